"""The command line: one module per noun. It calls domains and holds no logic."""
