# Sourced by both launchers (the checkout's and the distribution's), which set java, classpath and main.
# Becomes the JVM, so that exit codes and signals are its own.

start() {
  tty=false
  [ -t 2 ] && tty=true
  vector=--add-modules=jdk.incubator.vector
  if [ "${FOVEA_VECTOR:-on}" = off ]; then
    vector=
  else
    filter_stderr
  fi
  # HotSpot leaves AVX-512 alone on the first processors that had it, where it makes attention half as fast again. What the
  # user says comes later and wins.
  avx=
  if [ -r /proc/cpuinfo ]; then
    while read -r key flags; do
      case $key in flags) break ;; esac
    done </proc/cpuinfo
    case "$flags " in *' avx512dq'*' avx512bw'*' avx512vl '*) avx=-XX:UseAVX=3 ;; esac
  fi
  # PoCL ends the process where its linker (ld) is not on PATH, and an empty environment has none.
  export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"
  # The compilers in OpenCL drivers take over the signal by which the JVM stops its threads: on NVIDIA's a build beside
  # other Java threads ends the process. libjsig, loaded first, keeps both handlers. A list of paths has no spaces.
  jsig=${java%/bin/java}/lib/libjsig.so
  case $jsig in *[\ :]*) ;; *) [ -r "$jsig" ] && export LD_PRELOAD="$jsig${LD_PRELOAD:+:$LD_PRELOAD}" ;; esac
  set -f # FOVEA_JAVA_OPTIONS is split into words, not expanded as file names
  # Without DisplayVMOutputToStderr the JVM prints its own warnings on stdout, into the middle of --json.
  # The output is UTF-8 in every locale: --json must be.
  # With a predictable name JOCL loads whatever file of that name already lies in the temp folder.
  exec "$java" $vector $avx --enable-native-access=ALL-UNNAMED -XX:+DisplayVMOutputToStderr \
    -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -DuniqueLibraryNames=true -Dfovea.tty=$tty ${FOVEA_JAVA_OPTIONS-} -cp "$classpath" "$main" "$@"
}

# No JVM flag turns off "WARNING: Using incubator modules", so stderr passes through a child that drops this one
# line and then copies bytes as they come (a line filter would hold back a progress bar). A pipeline would make
# the JVM a child that outlives a SIGTERM to the launcher; hence the FIFO.
filter_stderr() {
  folder=$(mktemp -d 2>/dev/null) || return 0
  if mkfifo "$folder/stderr" 2>/dev/null; then
    {
      trap '' INT TERM HUP # it ends when the JVM closes the pipe, with the JVM's last words
      while IFS= read -r line; do
        case $line in 'WARNING: Using incubator modules'*) break ;; esac
        printf '%s\n' "$line"
      done
      exec cat
    } <"$folder/stderr" >&2 &
    exec 2>"$folder/stderr"
  fi
  rm -rf "$folder"
}
