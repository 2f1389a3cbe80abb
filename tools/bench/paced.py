"""A process that measures on command: a line in, a line of JSON out (`fovea bench --paced`, `peers.py`)."""
import json
import queue
import subprocess
import threading


class Dead(Exception):
    """The process ended, or said nothing for too long and was ended."""


class Paced:
    def __init__(self, command, log, env=None):
        self.command = command
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=env)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ask(self, command, timeout):
        """The answer; a failed measurement is an answer with a field `failed`."""
        try:
            self.process.stdin.write((command + "\n").encode())
            self.process.stdin.flush()
        except OSError as e:
            raise Dead(self._end(f"{command}: {e}"))
        while True:
            try:
                line = self.lines.get(timeout=timeout)
            except queue.Empty:
                raise Dead(self._end(f"{command}: no answer in {timeout} s"))
            if line is None:
                raise Dead(self._end(f"{command}: the process ended"))
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # libraries print on stdout too
            if isinstance(answer, dict):
                return answer

    def _end(self, why):
        self.process.kill()
        return f"{why}, exit code {self.process.wait()}"

    def close(self):
        try:
            self.process.stdin.write(b"quit\n")
            self.process.stdin.close()
            self.process.wait(30)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.log.close()
