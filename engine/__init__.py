"""The runtime: sources, stages, sinks. Imports neither torch nor export.

ONNX Runtime reports its use over the network from version 1.29 on, and so does Ray. artrt contacts no server without
being asked, so this is switched off before anything can import them: for ONNX Runtime by the variable of version 1.32
and by that of the versions before it. A value that the user has set stays. OpenVINO has no such variable; see
`sessions/openvino.py`.
"""

import os

_SILENT = {"ORT_DISABLE_TELEMETRY": "1", "ORT_TELEMETRY_DISABLED": "1", "RAY_USAGE_STATS_ENABLED": "0"}
for _variable, _value in _SILENT.items():
    os.environ.setdefault(_variable, _value)
