// Loaded into an emulator before its own code: when the host dies, however it dies, the pipe on
// standard input ends, and the emulator closes as it would on SIGTERM, its data written.
"use strict";

process.stdin.on("end", () => process.emit("SIGTERM"));
process.stdin.on("error", () => process.emit("SIGTERM"));
process.stdin.resume();
// Not a reason to live on once everything else is closed.
process.stdin.unref();
