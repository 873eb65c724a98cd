import type { Seccomp } from '../spec/types.js';
import { syscallNumbers } from './syscalls.js';

/**
 * Calls that have no number here and are no slips: those of other processors (libseccomp's names for them among these), and those that the
 * kernel puts into programs itself, which pass whatever a filter says. Published profiles name them.
 */
const ELSEWHERE: ReadonlySet<string> = new Set(
  (
    'arm_fadvise64_64 arm_sync_file_range atomic_barrier atomic_cmpxchg_32 breakpoint cachectl cacheflush get_tls multiplexer ' +
    'pciconfig_iobase pciconfig_read pciconfig_write recv riscv_flush_icache riscv_hwprobe rtas s390_guarded_storage s390_pci_mmio_read ' +
    's390_pci_mmio_write s390_runtime_instr s390_sthyi send set_tls spu_create spu_run subpage_prot swapcontext switch_endian ' +
    'sync_file_range2 sys_debug_setcontext syscall sysmips timerfd usr26 usr32 uprobe uretprobe'
  ).split(' '),
);

/** Names in a profile that no processor has, as far as is known here: slips, and calls of a newer kernel. They get no rule. */
export function unknownCalls(profile: Seccomp): string[] {
  const names = new Set((profile.syscalls ?? []).flatMap((rule) => rule.names));
  // x32 has no name of its own.
  const tables = (['x86_64', 'i386', 'aarch64'] as const).map(syscallNumbers);
  return [...names].filter((name) => !ELSEWHERE.has(name) && !tables.some((table) => table.has(name)));
}
