import { doctor } from '../../src/doctor/doctor.js';

// What `crt doctor --json` would say of these groups and checks: for tests that break the machine around it.
process.stdout.write(JSON.stringify(await doctor({ only: process.argv.slice(2), patience: 60_000 })));
