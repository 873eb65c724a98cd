#!/usr/bin/env node
// Writes the checks' own texts into docs/doctor.md: `node --import=tsx scripts/doctor-page.js`
import { readFileSync, writeFileSync } from 'node:fs';
import { checksPage } from '../src/doctor/page.ts';

const FILE = new URL('../docs/doctor.md', import.meta.url);
const MARK = '<!-- From here on written by scripts/doctor-page.js -->\n';

const [head] = readFileSync(FILE, 'utf8').split(MARK);
writeFileSync(FILE, `${head}${MARK}\n${checksPage()}`);
