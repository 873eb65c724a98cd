#!/usr/bin/env node
// crt from its TypeScript sources, without a build (the helper apart: `make -C helper`).
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2), new URL('..', import.meta.url));
