import { doctor } from '../../src/doctor/doctor.js';

// What `crt doctor --json` would say of these groups and checks: for tests that break the machine around it.
const [rootfs, ...only] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await doctor({ only, patience: 60_000, ...(rootfs ? { rootfs } : {}) })));
