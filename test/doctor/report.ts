import type { CheckId } from '../../src/check-ids.js';
import type { Finding } from '../../src/doctor/check.js';
import type { CheckReport, DoctorReport } from '../../src/doctor/doctor.js';

export function checkOf(report: DoctorReport, id: CheckId): CheckReport {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`no ${id} in ${JSON.stringify(report)}`);
  return found;
}

/** The checks that fail, in the order of the report. */
export function failing({ checks }: DoctorReport): CheckId[] {
  return checks.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
}

/** `ID VERDICT` of all that is neither pass nor info. */
export function complaints({ checks }: DoctorReport): string[] {
  return checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'info').map(({ id, verdict }) => `${id} ${verdict}`);
}

/** The first finding of a check that is no pass. */
export function finding(report: DoctorReport, id: CheckId): Finding {
  const found = checkOf(report, id).findings.find(({ verdict }) => verdict !== 'pass');
  if (found === undefined) throw new Error(`${id} has found nothing wrong`);
  return found;
}

/** The findings of a check that say this. */
export function saying(report: DoctorReport, id: CheckId, words: RegExp): Finding[] {
  return checkOf(report, id).findings.filter(({ observed }) => words.test(observed));
}

/** The commands that a check shows, as a script. */
export function fixOf(report: DoctorReport, id: CheckId): string {
  return [...new Set(checkOf(report, id).findings.flatMap(({ fix }) => fix?.commands ?? []))].join('\n');
}
