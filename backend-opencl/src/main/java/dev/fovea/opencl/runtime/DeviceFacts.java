package dev.fovea.opencl.runtime;

import dev.fovea.api.Bytes;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jocl.CL;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;
import org.jspecify.annotations.Nullable;

/** What a device says of itself, and whether that is enough. */
final class DeviceFacts {
    /** What the smallest kernel configuration takes. */
    private static final long LOCAL_BYTES = 32 << 10;

    private static final long WORK_GROUP = 32;

    private static final int FEW_REGISTERS = 64;

    private static final int NV_COMPUTE_CAPABILITY_MAJOR = 0x4000;
    private static final int NV_COMPUTE_CAPABILITY_MINOR = 0x4001;
    private static final int NV_PCI_BUS = 0x4008;
    private static final int NV_PCI_SLOT = 0x4009;
    private static final int NV_PCI_DOMAIN = 0x400A;
    private static final int AMD_TOPOLOGY = 0x4037;
    private static final int INTEL_SUB_GROUP_SIZES = 0x4108;
    private static final int KHR_PCI_BUS_INFO = 0x410F;
    private static final Pattern VERSION = Pattern.compile("OpenCL (\\d+)\\.(\\d+).*");

    private static final Pattern ARCHITECTURE = Pattern.compile("(gfx[0-9a-f]+)(:.*)?");

    private final cl_platform_id platform;
    private final cl_device_id device;
    private final Set<String> extensions;

    DeviceFacts(cl_platform_id platform, cl_device_id device) {
        this.platform = platform;
        this.device = device;
        this.extensions = new HashSet<>(
                Arrays.asList(DeviceQuery.text(device, CL.CL_DEVICE_EXTENSIONS).split(" +", -1)));
    }

    /** PoCL's device names hold the processor's brand; a stable id needs another. */
    String slug() {
        String name = DeviceQuery.text(device, CL.CL_DEVICE_NAME);
        boolean pocl = DeviceQuery.text(platform, CL.CL_PLATFORM_NAME).equals("Portable Computing Language");
        return pocl && kind() == DeviceInfo.Kind.OPENCL_CPU ? "pocl-cpu" : slug(name);
    }

    static String slug(String name) {
        String s = name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return s.isEmpty() ? "unnamed" : s;
    }

    private DeviceInfo.Kind kind() {
        long type = DeviceQuery.number(device, CL.CL_DEVICE_TYPE);
        if ((type & CL.CL_DEVICE_TYPE_CPU) != 0) {
            return DeviceInfo.Kind.OPENCL_CPU; // a simulator claims every type
        }
        return (type & CL.CL_DEVICE_TYPE_GPU) != 0 ? DeviceInfo.Kind.GPU : DeviceInfo.Kind.ACCELERATOR;
    }

    /** Domain, bus and slot in a form that sorts, or null where the driver does not tell. */
    @Nullable
    String pciAddress() {
        byte[] khr = extensions.contains("cl_khr_pci_bus_info") ? DeviceQuery.bytes(device, KHR_PCI_BUS_INFO) : null;
        if (khr != null && khr.length == 16) {
            ByteBuffer b = ByteBuffer.wrap(khr).order(ByteOrder.nativeOrder());
            return address(b.getInt(), b.getInt(), b.getInt());
        }
        if (extensions.contains("cl_nv_device_attribute_query") && DeviceQuery.bytes(device, NV_PCI_BUS) != null) {
            return address(
                    DeviceQuery.number(device, NV_PCI_DOMAIN),
                    DeviceQuery.number(device, NV_PCI_BUS),
                    DeviceQuery.number(device, NV_PCI_SLOT) >> 3);
        }
        byte[] amd =
                extensions.contains("cl_amd_device_attribute_query") ? DeviceQuery.bytes(device, AMD_TOPOLOGY) : null;
        return amd != null && amd.length == 24 ? address(0, amd[21] & 0xff, amd[22] & 0xff) : null;
    }

    private static String address(long domain, long bus, long slot) {
        return String.format(Locale.ROOT, "%08x:%02x:%02x", domain, bus, slot);
    }

    boolean roundedDivision() {
        return (DeviceQuery.number(device, CL.CL_DEVICE_SINGLE_FP_CONFIG) & CL.CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT)
                != 0;
    }

    MatrixFacts matrixFacts() {
        String name = DeviceQuery.text(device, CL.CL_DEVICE_NAME);
        return new MatrixFacts(
                computeCapability(),
                extensions.contains("cl_amd_device_attribute_query") ? architecture(name) : "",
                extensions.contains("cl_intel_subgroup_matrix_multiply_accumulate") ? leastSubGroup() : 0);
    }

    /** AMD's driver names a device by what its compiler takes: gfx90a:sramecc+:xnack-. */
    static String architecture(String name) {
        Matcher m = ARCHITECTURE.matcher(name);
        return m.matches() ? m.group(1) : "";
    }

    private int leastSubGroup() {
        byte[] sizes = DeviceQuery.bytes(device, INTEL_SUB_GROUP_SIZES);
        return sizes == null ? 0 : least(sizes);
    }

    /** The least of an array of {@code size_t}, or 0 if it is empty. */
    static int least(byte[] sizes) {
        LongBuffer all = ByteBuffer.wrap(sizes).order(ByteOrder.nativeOrder()).asLongBuffer();
        long least = all.hasRemaining() ? all.get() : 0;
        while (all.hasRemaining()) {
            least = Math.min(least, all.get());
        }
        return (int) least;
    }

    /** Ten times the major number and the minor one; 0 where there is none. */
    private int computeCapability() {
        return extensions.contains("cl_nv_device_attribute_query")
                ? (int) (10 * DeviceQuery.number(device, NV_COMPUTE_CAPABILITY_MAJOR)
                        + DeviceQuery.number(device, NV_COMPUTE_CAPABILITY_MINOR))
                : 0;
    }

    /** Registers of 32 bits of a work-item that compilers make good use of: NVIDIA's since 3.5, else what is safe to count on. */
    int registers() {
        return computeCapability() >= 35 ? 255 : FEW_REGISTERS;
    }

    /** Why the device cannot be used, or null. */
    DeviceReport.@Nullable Refused refusal(String id) {
        String version = DeviceQuery.text(device, CL.CL_DEVICE_VERSION);
        Matcher m = VERSION.matcher(version);
        if (!m.matches() || Integer.parseInt(m.group(1)) * 100 + Integer.parseInt(m.group(2)) < 102) {
            return new DeviceReport.Refused(
                    id, "it offers '" + version + "', OpenCL 1.2 is needed", "update its driver");
        }
        if (DeviceQuery.number(device, CL.CL_DEVICE_AVAILABLE) == 0) {
            return new DeviceReport.Refused(id, "its driver says that it is not available", "free it, or reset it");
        }
        if (DeviceQuery.number(device, CL.CL_DEVICE_COMPILER_AVAILABLE) == 0) {
            return new DeviceReport.Refused(
                    id, "its driver has no compiler", "install the full OpenCL driver, not the run time alone");
        }
        long local = DeviceQuery.number(device, CL.CL_DEVICE_LOCAL_MEM_SIZE);
        if (local < LOCAL_BYTES) {
            return new DeviceReport.Refused(
                    id,
                    "it has " + Bytes.text(local) + " of local memory, " + Bytes.text(LOCAL_BYTES) + " are needed",
                    "use another device");
        }
        long group = DeviceQuery.number(device, CL.CL_DEVICE_MAX_WORK_GROUP_SIZE);
        return group < WORK_GROUP
                ? new DeviceReport.Refused(
                        id,
                        "its work-groups have at most " + group + " work-items, " + WORK_GROUP + " are needed",
                        "use another device")
                : null;
    }

    DeviceInfo info(String id) {
        DeviceInfo.Kind kind = kind();
        return new DeviceInfo(
                id,
                kind,
                DeviceQuery.text(device, CL.CL_DEVICE_NAME),
                DeviceQuery.text(platform, CL.CL_PLATFORM_NAME) + ", "
                        + DeviceQuery.text(platform, CL.CL_PLATFORM_VERSION),
                DeviceQuery.text(device, CL.CL_DRIVER_VERSION),
                DeviceQuery.number(device, CL.CL_DEVICE_GLOBAL_MEM_SIZE),
                DeviceQuery.number(device, CL.CL_DEVICE_MAX_MEM_ALLOC_SIZE),
                DeviceQuery.number(device, CL.CL_DEVICE_LOCAL_MEM_SIZE),
                DeviceQuery.number(device, CL.CL_DEVICE_MAX_WORK_GROUP_SIZE),
                (int) DeviceQuery.number(device, CL.CL_DEVICE_MAX_COMPUTE_UNITS),
                0,
                extensions.contains("cl_khr_fp16"),
                extensions.contains("cl_khr_subgroups") || extensions.contains("cl_intel_subgroups"),
                extensions.contains("cl_khr_integer_dot_product"),
                MatrixEngine.expected(matrixFacts()),
                kind.rank(),
                notes(kind));
    }

    private List<String> notes(DeviceInfo.Kind kind) {
        List<String> notes = new ArrayList<>();
        notes.add(DeviceQuery.text(device, CL.CL_DEVICE_VERSION));
        int capability = computeCapability();
        if (capability > 0) {
            notes.add("compute capability " + capability / 10 + "." + capability % 10);
        }
        if (kind == DeviceInfo.Kind.OPENCL_CPU) {
            notes.add("a CPU through OpenCL runs kernels made for GPUs: for tests, never picked by itself");
        } else {
            SignalChaining.advice().ifPresent(notes::add);
        }
        return notes;
    }
}
