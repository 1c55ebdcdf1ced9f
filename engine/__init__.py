"""The runtime: sources, stages, sinks. Imports neither torch nor export.

ONNX Runtime reports its use over the network from version 1.29 on. artrt contacts no server without being asked,
so this is switched off before anything can import onnxruntime, by the variable of version 1.32 and by that of the
versions before it. A value that the user has set stays.
"""

import os

for _variable in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
    os.environ.setdefault(_variable, "1")
