"""A test program on the GPU: runs it and counts. Ends with 77 where it holds no test.

    python tests.py PROGRAM [FILTER]
"""

import os
import re
import subprocess
import sys

run = subprocess.run(
    [*sys.argv[1:], "--test-threads=1"], env={**os.environ, "LAM_TEST_CUDA": "device"}, stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT, text=True,
)  # fmt: skip
print(run.stdout)
counts = re.findall(r"test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored", run.stdout)
passed, failed, ignored = (sum(int(count[i]) for count in counts) for i in range(3))
print(f"tests: {passed} passed, {failed} failed, {ignored} not run")
sys.exit(run.returncode or (0 if passed else 77))
