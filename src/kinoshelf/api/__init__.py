"""The documented dialects. They translate only: parse, call, shape the answer, render that dialect's errors."""
