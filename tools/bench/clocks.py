"""Clock and power of the GPU while something runs."""
import subprocess
import threading
import time

QUERY = ["nvidia-smi", "-i", "0", "--query-gpu=clocks.sm,power.draw,temperature.gpu",
         "--format=csv,noheader,nounits", "-lms", "50"]


class Clocks:
    def __init__(self):
        self.samples = []
        try:
            self.process = subprocess.Popen(QUERY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            self.process = None
            return
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            try:
                self.samples.append((time.monotonic(), *(float(x) for x in line.split(","))))
            except ValueError:
                continue

    def since(self, start):
        """Means from a time on; empty without samples."""
        taken = [s[1:] for s in self.samples if s[0] >= start]
        if not taken:
            return {}
        return dict(zip(("megahertz", "watts", "celsius"), (sum(column) / len(taken) for column in zip(*taken))))

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
