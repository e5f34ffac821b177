"""Where user code runs: functions are found, checked and called as Azure's worker does it."""
