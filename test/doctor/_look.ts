/* A child process of the tests that break things around it: looks by the checks that are named, and prints the report. */
import { doctor } from '../../src/doctor/doctor.js';

process.stdout.write(JSON.stringify(await doctor({ only: process.argv.slice(2), patience: 60_000 })));
