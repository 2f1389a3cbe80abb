package dev.fovea.opencl.runtime;

import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jocl.CL;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;
import org.jspecify.annotations.Nullable;

/** Lists every device of every platform, usable or refused with the reason. */
public final class DeviceSearch {
    /** {@code CL.CL_DEVICE_TYPE_ALL} is sign-extended to 64 bits, which some drivers refuse. */
    private static final long ALL_TYPES = 0xFFFFFFFFL;

    private final List<DeviceReport> reports = new ArrayList<>();
    private final List<FoundDevice> devices = new ArrayList<>();

    private DeviceSearch() {}

    /** Asks every platform; the OpenCL library must be there. */
    public static DeviceSearch run() {
        // a fixed name in a shared folder for temporary files could be planted by someone else
        if (System.getProperty("uniqueLibraryNames") == null) {
            System.setProperty("uniqueLibraryNames", "true");
        }
        DeviceSearch search = new DeviceSearch();
        search.platforms();
        return search;
    }

    public List<DeviceReport> reports() {
        return List.copyOf(reports);
    }

    public List<FoundDevice> devices() {
        return List.copyOf(devices);
    }

    private record Candidate(
            cl_platform_id platform,
            cl_device_id device,
            DeviceFacts facts,
            @Nullable String address,
            int order) {}

    private void platforms() {
        int[] count = new int[1];
        int status = Status.of(() -> CL.clGetPlatformIDs(0, null, count));
        if (status != Status.SUCCESS || count[0] == 0) {
            reports.add(new DeviceReport.Refused(
                    "opencl",
                    status == Status.SUCCESS || status == Status.PLATFORM_NOT_FOUND_KHR
                            ? "the OpenCL library knows no driver"
                            : "the OpenCL library answers " + Status.name(status),
                    "install your GPU's OpenCL driver"));
            return;
        }
        cl_platform_id[] platforms = new cl_platform_id[count[0]];
        if (Status.of(() -> CL.clGetPlatformIDs(platforms.length, platforms, null)) != Status.SUCCESS) {
            return;
        }
        List<Candidate> candidates = new ArrayList<>();
        for (cl_platform_id platform : platforms) {
            try {
                devicesOf(platform, candidates);
            } catch (RuntimeException e) {
                reports.add(new DeviceReport.Refused(
                        "opencl/" + DeviceFacts.slug(DeviceQuery.text(platform, CL.CL_PLATFORM_NAME)),
                        "its driver fails: " + e,
                        "update the driver"));
            }
        }
        number(candidates);
    }

    private void devicesOf(cl_platform_id platform, List<Candidate> candidates) {
        int[] count = new int[1];
        int status = Status.of(() -> CL.clGetDeviceIDs(platform, ALL_TYPES, 0, null, count));
        if (status != Status.SUCCESS || count[0] == 0) {
            boolean none = status == Status.SUCCESS
                    || status == Status.DEVICE_NOT_FOUND
                    || status == Status.INVALID_DEVICE_TYPE;
            reports.add(new DeviceReport.Refused(
                    "opencl/" + DeviceFacts.slug(DeviceQuery.text(platform, CL.CL_PLATFORM_NAME)),
                    none ? "this driver sees no device" : "its driver answers " + Status.name(status),
                    "check that the device is there and that you may use it"));
            return;
        }
        cl_device_id[] ids = new cl_device_id[count[0]];
        if (Status.of(() -> CL.clGetDeviceIDs(platform, ALL_TYPES, ids.length, ids, null)) != Status.SUCCESS) {
            return;
        }
        for (cl_device_id id : ids) {
            DeviceFacts facts = new DeviceFacts(platform, id);
            candidates.add(new Candidate(platform, id, facts, facts.pciAddress(), candidates.size()));
        }
    }

    /** Ordinals follow the PCI address; a card that several platforms show is the first platform's. */
    private void number(List<Candidate> candidates) {
        candidates.sort(Comparator.comparing((Candidate c) -> c.address == null ? "~" : c.address)
                .thenComparingInt(Candidate::order));
        Set<String> seen = new HashSet<>();
        Map<String, Integer> ordinals = new HashMap<>();
        for (Candidate c : candidates) {
            if (c.address != null && !seen.add(c.address)) {
                continue;
            }
            String slug = c.facts.slug();
            String id = "opencl/" + slug + "/" + (ordinals.merge(slug, 1, Integer::sum) - 1);
            DeviceReport.Refused refused = c.facts.refusal(id);
            if (refused != null) {
                reports.add(refused);
                continue;
            }
            DeviceInfo info = c.facts.info(id);
            reports.add(new DeviceReport.Available(info));
            devices.add(new FoundDevice(
                    c.platform, c.device, info, c.facts.roundedDivision(), c.facts.matrixFacts(), c.facts.registers()));
        }
    }

    @Override
    public String toString() {
        return Arrays.toString(reports.toArray());
    }
}
