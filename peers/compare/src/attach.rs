//! What programs attach to, compared with what libbpf hands to BPF_PROG_LOAD:
//! attach_btf_id, the module whose BTF it counts in, expected_attach_type.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bpflink::elf::AttachKind;
use bpflink::{Linker, Object, Program};
use serde_json::{Value, json};

use crate::run::Subject;
use crate::server::Server;
use crate::target::Target;

/// BPF_PROG_TYPE_SOCKET_FILTER.
const SOCKET_FILTER: u32 = 1;

/// What libbpf says of a program whose target the kernel lacks.
const ABSENT: &str = "failed to prepare load attributes: -ESRCH";

/// What was compared.
#[derive(Default)]
pub struct Tally {
    objects: usize,
    with_id: usize,
    without_id: usize,
    absent: usize,
    refused: usize,
    unknown: usize,
    differences: Vec<String>,
}

impl Tally {
    /// One line for the kernel; whether nothing differs and something was looked at.
    pub fn report(&self, target: &Target) -> bool {
        for line in &self.differences {
            println!("DIFFER {line}");
        }
        println!(
            "attach {}: {} objects, {} programs with a type id, {} that the kernel lacks, {} \
             without one, {} refused, {} of sections that libbpf does not know, {} differ",
            target.name,
            self.objects,
            self.with_id,
            self.absent,
            self.without_id,
            self.refused,
            self.unknown,
            self.differences.len()
        );
        self.differences.is_empty() && self.with_id > 0
    }
}

/// Compares all objects for one kernel.
pub fn compare(libbpf: &Path, target: &Target, objects: &[Subject]) -> Result<Tally, String> {
    let kernel = target.build()?;
    let mut tally = Tally::default();
    let mut server = Server::new(libbpf, target, &["--attach"]);
    for subject in objects {
        if subject.big_endian != target.big_endian {
            continue;
        }
        let path = &subject.path;
        server.ask(path)?;
        let theirs = server.answer()??;
        // What libbpf cannot open it says nothing of; `run` compares that.
        let Ok(object) = Object::open(path) else {
            continue;
        };
        let linked = Linker::new(&kernel).link(&Arc::new(object));
        let Ok(linked) = linked else { continue };
        let ours: BTreeMap<String, &Program> = linked
            .programs()
            .iter()
            .map(|program| (program.name().to_string(), program))
            .collect();
        tally.objects += 1;
        for line in theirs.lines() {
            let line: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let name = line["attach"].as_str().or(line["program"].as_str());
            if let Some(program) = name.and_then(|name| ours.get(name)) {
                tally.program(path, program, &line);
            }
        }
    }
    Ok(tally)
}

impl Tally {
    fn program(&mut self, path: &Path, program: &Program, theirs: &Value) {
        let target = program.attach_target();
        let mut differ = |what: String| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            self.differences
                .push(format!("{file}: {}: {what}", program.name()));
        };
        if let Some(error) = theirs["error"].as_str() {
            match error.contains(ABSENT) {
                true if target.btf_id != 0 => differ(format!("{} | {error}", target.btf_id)),
                true => self.absent += 1,
                // For another reason, which `run` looks at.
                false => self.refused += 1,
            }
            return;
        }
        // It does not link here for another reason, as a missing kernel function.
        if program.error().is_some() {
            self.refused += 1;
            return;
        }
        let ours = program.program_type();
        // The witness loads what libbpf knows no type of as a socket filter.
        if theirs["type"] == SOCKET_FILTER && ours.program_type != SOCKET_FILTER {
            self.unknown += 1;
            return;
        }
        // libbpf chooses for USDT by what the kernel can do; here that is the loader's.
        let attach_type = match target.spec.kind {
            AttachKind::Usdt => theirs["expected_attach_type"].clone(),
            _ => ours.attach_type.unwrap_or(0).into(),
        };
        let said = json!({
            "type": ours.program_type,
            "btf_id": target.btf_id,
            "expected_attach_type": attach_type,
            "module": target.module.to_string(),
        });
        let fields = ["type", "btf_id", "expected_attach_type", "module"];
        if fields.iter().any(|&field| said[field] != theirs[field]) {
            differ(format!("{said} | {theirs}"));
        } else if target.btf_id != 0 {
            self.with_id += 1;
        } else {
            self.without_id += 1;
        }
    }
}
