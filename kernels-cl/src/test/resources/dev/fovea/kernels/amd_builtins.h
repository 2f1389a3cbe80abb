// What the device library of AMD's driver brings, by builtins of the compiler: enough to see registers and scratch where there is none.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define OVERLOADED __attribute__((overloadable, always_inline)) static
#define get_local_id(d) ((size_t)__builtin_amdgcn_workitem_id_x())
#define get_group_id(d) ((size_t)__builtin_amdgcn_workgroup_id_x())
#define barrier(f) (__builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "workgroup"), __builtin_amdgcn_s_barrier())
#define vload_half(i, p) ((float)*((p) + (i)))
#define vstore_half_rte(x, i, p) (*((p) + (i)) = (half)(x))
#define fmax __builtin_fmaxf
#define fmin __builtin_fminf
#define fabs __builtin_fabsf
#define rint __builtin_rintf
#define fma __builtin_fmaf
#define mad __builtin_fmaf
#define log __builtin_logf
#define exp __builtin_expf
#define exp2 __builtin_exp2f
#define native_exp2 __builtin_exp2f
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define min smaller_of
#define max larger_of
#define clamp(x, a, b) min(max(x, a), b)
OVERLOADED int smaller_of(int a, int b) { return a < b ? a : b; }
OVERLOADED int larger_of(int a, int b) { return a > b ? a : b; }
OVERLOADED long smaller_of(long a, long b) { return a < b ? a : b; }
OVERLOADED long larger_of(long a, long b) { return a > b ? a : b; }
// in place of what takes some forty instructions
OVERLOADED float tanh(float x) { return x / (1.0f + __builtin_fabsf(x)); }
#define abs(x) ((uint)larger_of(x, -(x)))
