//! Works that are the same wherever they are done, for instructions to be counted:
//! `inputs DIR` writes what they need, `work NAME DIR` does one. Only what happens inside
//! [`measured`] is counted.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::link::Choice;
use bpflink::{Linker, Object, Programs, Target};

use crate::{fixed, kernel_like, scale};

const TOOLS: u32 = 50;

/// Writes all that the works read.
pub fn inputs(dir: &Path) -> std::io::Result<()> {
    let kernel = kernel_like::kernel(4000);
    fs::write(dir.join("kernel.btf"), kernel.btf.build())?;
    for i in 0..TOOLS {
        let (structs, reads) = (1 + i % 12, 2 + 7 * i % 50);
        let tool = fixed::tool(&kernel, u64::from(i), structs, reads);
        fs::write(dir.join(format!("tool-{i}.bpf.o")), tool)?;
    }
    fs::write(dir.join("wide.bpf.o"), fixed::tool(&kernel, 99, 300, 300))?;
    for (case, size) in scale::CASES.iter().zip([1000, 1000, 100, 6000, 30]) {
        let (object, btf) = (case.build)(size);
        fs::write(dir.join(format!("{}.bpf.o", case.name)), object)?;
        fs::write(dir.join(format!("{}.btf", case.name)), btf)?;
    }
    Ok(())
}

/// The boundary that callgrind looks for.
#[inline(never)]
fn measured<R>(work: impl FnOnce() -> R) -> R {
    black_box(black_box(work)())
}

struct Inputs<'a>(&'a Path);

impl Inputs<'_> {
    fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.0.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn kernel(&self, name: &str) -> Target {
        parsed(self.bytes(name))
    }

    fn tools(&self) -> Vec<Vec<u8>> {
        (0..TOOLS)
            .map(|i| self.bytes(&format!("tool-{i}.bpf.o")))
            .collect()
    }
}

fn parsed(btf: Vec<u8>) -> Target {
    let btf = Btf::parse(btf, None);
    Target::from_btf(Arc::new(btf.unwrap_or_else(|error| panic!("{error}"))))
}

fn opened(object: &[u8]) -> Arc<Object> {
    let object = Object::parse(object, "o");
    Arc::new(object.unwrap_or_else(|error| panic!("{error}")))
}

fn linked(object: &[u8], target: &Target) -> Programs {
    let set = Linker::new(target).link(&opened(object));
    let set = set.unwrap_or_else(|error| panic!("{error}"));
    assert!(set.first_error().is_none(), "every program links");
    set
}

/// A kernel that so many names were asked of that all is in place that finds them.
fn warmed(tools: &[Vec<u8>], kernel: &Target) {
    tools.iter().for_each(|tool| drop(linked(tool, kernel)));
}

/// Does the work, and prints how many relocations it had.
pub fn work(name: &str, dir: &Path) {
    let inputs = Inputs(dir);
    let sets = match name {
        "open" => {
            let tools = inputs.tools();
            measured(|| tools.iter().for_each(|tool| drop(black_box(opened(tool)))));
            Vec::new()
        }
        "warm-one" => {
            let kernel = inputs.kernel("kernel.btf");
            let tool = inputs.bytes("tool-5.bpf.o");
            warmed(&inputs.tools(), &kernel);
            vec![measured(|| linked(&tool, &kernel))]
        }
        "warm-many" => {
            let kernel = inputs.kernel("kernel.btf");
            let tools = inputs.tools();
            warmed(&tools, &kernel);
            measured(|| tools.iter().map(|tool| linked(tool, &kernel)).collect())
        }
        "relocate" => relocated(&inputs),
        "cold-one" => cold(&inputs, "tool-5.bpf.o"),
        "cold-wide" => cold(&inputs, "wide.bpf.o"),
        _ => {
            let kernel = inputs.kernel(&format!("{name}.btf"));
            let object = inputs.bytes(&format!("{name}.bpf.o"));
            vec![measured(|| linked(&object, &kernel))]
        }
    };
    let programs = sets.iter().flat_map(Programs::programs);
    println!(
        "{}",
        programs.map(|p| p.relocations().count()).sum::<usize>()
    );
}

/// A kernel that was not seen before.
fn cold(inputs: &Inputs<'_>, object: &str) -> Vec<Programs> {
    let (btf, object) = (inputs.bytes("kernel.btf"), inputs.bytes(object));
    vec![measured(|| linked(&object, &parsed(btf)))]
}

/// That stage alone.
fn relocated(inputs: &Inputs<'_>) -> Vec<Programs> {
    let kernel = inputs.kernel("kernel.btf");
    let tools = inputs.tools();
    warmed(&tools, &kernel);
    let split = |tool: &Vec<u8>| Programs::split(&opened(tool));
    let sets: bpflink::Result<Vec<Programs>> = tools.iter().map(split).collect();
    let mut sets = sets.unwrap_or_else(|error| panic!("{error}"));
    measured(|| {
        for set in &mut sets {
            let done = set.relocate(&kernel, Default::default(), Choice::All);
            done.unwrap_or_else(|error| panic!("{error}"));
        }
    });
    sets
}
