//! What only a loader does: where programs attach, what struct_ops variables become.

use bpflink::elf::StructOps;
use bpflink::link::KernelStructOps;
use bpflink::{Object, Program, Programs};

/// One line for each variable of `struct_ops`.
pub fn variable_lines(programs: &Programs) -> String {
    let object = programs.object();
    let variables = object.struct_ops().iter().zip(programs.struct_ops());
    variables
        .map(|(variable, kernel)| variable_line(object, variable, kernel.as_ref().ok()))
        .collect()
}

/// `struct_ops cubic  struct tcp_congestion_ops, by link, 256 bytes, init at 40: bpf_cubic_init`
fn variable_line(
    object: &Object,
    variable: &StructOps,
    kernel: Option<&KernelStructOps>,
) -> String {
    let mut line = format!(
        "struct_ops {}  struct {}",
        variable.name, variable.type_name
    );
    for (set, word) in [
        (variable.link, "by link"),
        (variable.optional, "when asked for"),
    ] {
        if set {
            line += &format!(", {word}");
        }
    }
    let Some(kernel) = kernel else {
        return line + ", not for this kernel\n";
    };
    line += &format!(", {} bytes", kernel.value.len());
    for member in &kernel.members {
        let program = member
            .program
            .and_then(|address| object.function_name(address));
        if let (Some(program), Some(there)) = (program, member.kernel) {
            line += &format!(", {} at {}: {program}", member.name, there.offset);
        }
    }
    line + "\n"
}

/// `attaches to vfs_read, BTF id 94231`, for what is attached by its type.
pub fn attach_line(program: &Program) -> String {
    let target = program.attach_target();
    let module = match target.module.is_empty() {
        true => String::new(),
        false => format!(" of module {}", target.module),
    };
    match (target.btf_id, target.problem) {
        (0, None) => String::new(),
        (0, Some(problem)) => format!("      ; attaches to nothing: {problem}\n"),
        (id, _) => format!(
            "      ; attaches to {}, BTF id {id}{module}\n",
            target.spec.name
        ),
    }
}
