import { type Column, type ContainerStats, formatBytes, sparkline } from '../index.js';

/** Samples that the graph shows. */
export const GRAPH_WIDTH = 16;
/** Percent of a processor that fill the graph's height at least. */
const LEAST_HEIGHT = 10;

export interface StatsRow {
  readonly sample: ContainerStats;
  /** Percent of a processor, oldest first. */
  readonly history: readonly (number | undefined)[];
}

/** Bytes of the machine's memory stand for a limit that is not there, as with docker. */
export function statsColumns(machine: number, hasGraph: boolean): readonly Column<StatsRow>[] {
  const graph: Column<StatsRow> = {
    title: 'CPU GRAPH',
    value: ({ history }) => sparkline(history, GRAPH_WIDTH, LEAST_HEIGHT),
    drop: 3,
  };
  return [
    { title: 'NAME', value: ({ sample }) => sample.name, shrinkTo: 12 },
    { title: 'CPU %', value: ({ sample }) => cpuText(sample), align: 'right' },
    ...(hasGraph ? [graph] : []),
    { title: 'MEM USAGE / LIMIT', value: ({ sample }) => memoryText(sample, machine), align: 'right' },
    { title: 'MEM %', value: ({ sample }) => percent(sample.memoryPercent), align: 'right', drop: 4 },
    { title: 'NET I/O', value: ({ sample }) => pair(sample.netReceived, sample.netSent), align: 'right', drop: 2 },
    { title: 'BLOCK I/O', value: ({ sample }) => pair(sample.blockRead, sample.blockWritten), align: 'right', drop: 1 },
    { title: 'PIDS', value: ({ sample }) => String(sample.pids ?? '--'), align: 'right' },
  ];
}

function cpuText({ status, cpuPercent }: ContainerStats): string {
  return status === 'paused' ? 'paused' : percent(cpuPercent);
}

function percent(value: number | undefined): string {
  return value === undefined ? '--' : `${value.toFixed(2)}%`;
}

function memoryText({ memoryUsage, memoryLimit }: ContainerStats, machine: number): string {
  return memoryUsage === undefined ? '-- / --' : `${formatBytes(memoryUsage)} / ${formatBytes(memoryLimit ?? machine)}`;
}

function pair(first: number | undefined, second: number | undefined): string {
  const text = (bytes: number | undefined): string => (bytes === undefined ? '--' : formatBytes(bytes));
  return `${text(first)} / ${text(second)}`;
}
