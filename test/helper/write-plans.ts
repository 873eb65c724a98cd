// Writes plans of the real compiler for the C tests and the fuzzer: `node --import=tsx write-plans.ts DIR`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { realPlans } from './plans.js';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: write-plans.ts DIR');
mkdirSync(directory, { recursive: true });
realPlans().forEach((plan, index) => {
  writeFileSync(`${directory}/${index}.plan`, plan);
});
