"""Compiles seccomp profiles with libseccomp as runc does: a JSON profile a line in, a JSON answer a line out."""

import json
import os
import sys

import seccomp

ARCHES = {
    "SCMP_ARCH_X86_64": seccomp.Arch.X86_64,
    "SCMP_ARCH_X86": seccomp.Arch.X86,
    "SCMP_ARCH_X32": seccomp.Arch.X32,
    "SCMP_ARCH_AARCH64": seccomp.Arch.AARCH64,
}
NATIVE = {"x64": seccomp.Arch.X86_64, "arm64": seccomp.Arch.AARCH64}
OPERATORS = {
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}
ACTIONS = {
    "SCMP_ACT_KILL": seccomp.KILL,
    "SCMP_ACT_KILL_THREAD": seccomp.KILL,
    "SCMP_ACT_KILL_PROCESS": seccomp.KILL_PROCESS,
    "SCMP_ACT_TRAP": seccomp.TRAP,
    "SCMP_ACT_LOG": seccomp.LOG,
    "SCMP_ACT_ALLOW": seccomp.ALLOW,
    "SCMP_ACT_NOTIFY": seccomp.NOTIFY,
}


def action_of(name, errno):
    return seccomp.ERRNO(1 if errno is None else errno) if name == "SCMP_ACT_ERRNO" else ACTIONS[name]


def compare(arg):
    return seccomp.Arg(arg["index"], OPERATORS[arg["op"]], arg["value"], arg.get("valueTwo", 0))


def add(filter, action, name, args):
    """Whether libseccomp took the rule; it refuses one that contradicts another, and a name it does not know."""
    try:
        filter.add_rule(action, name, *[compare(arg) for arg in args])
        return True
    except (RuntimeError, OSError, ValueError):
        return False


def build(request):
    profile, arch = request["profile"], request["arch"]
    default = action_of(profile["defaultAction"], profile.get("defaultErrnoRet"))
    filter = seccomp.SyscallFilter(default)
    filter.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.ERRNO(38))
    wanted = {NATIVE[arch]} | {ARCHES[name] for name in profile.get("architectures", []) if name in ARCHES}
    for token in wanted:
        if not filter.exist_arch(token):
            filter.add_arch(token)
    if seccomp.Arch.X86_64 not in wanted:
        filter.remove_arch(seccomp.Arch.X86_64)
    if request.get("optimize"):
        filter.set_attr(seccomp.Attr.CTL_OPTIMIZE, 2)
    refused = []
    for at, rule in enumerate(profile.get("syscalls", [])):
        action = action_of(rule["action"], rule.get("errnoRet"))
        if action == default:
            continue
        args = rule.get("args", [])
        indexes = [arg["index"] for arg in args]
        split = len(set(indexes)) < len(indexes)
        for name in rule["names"]:
            for part in [[arg] for arg in args] if split else [args]:
                if not add(filter, action, name, part):
                    refused.append([at, name])
    with os.fdopen(os.memfd_create("filter"), "r+b") as file:
        filter.export_bpf(file)
        file.seek(0)
        return {"bpf": file.read().hex(), "refused": refused}


for line in sys.stdin:
    try:
        answer = build(json.loads(line))
    except Exception as error:  # noqa: BLE001: one bad profile must not end the process
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
