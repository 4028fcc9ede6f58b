//! Drives a linker from the command line or from stdin, and takes the time: what
//! `c/runner.h` describes, for linkers in Rust.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::process::exit;
use std::time::{Duration, Instant};

use crate::digest::Digest;

/// A linker with a kernel to link for.
pub trait Linker: Sync {
    /// Links an object in memory.
    fn link(&self, object: &[u8], digest: Option<&mut Digest>) -> Result<(), String>;
    /// Links an object that is read by name.
    fn link_file(&self, path: &str, digest: Option<&mut Digest>) -> Result<(), String>;
    /// Links for the kernel of another BTF file, which is parsed anew.
    fn link_for(&self, object: &[u8], btf: &str) -> Result<(), String>;
}

/// Does what the arguments say; `new` is given the kernel's BTF, `None` for the running kernel.
pub fn run<L: Linker>(args: &[&str], new: impl Fn(Option<&str>) -> L) {
    match *args {
        ["serve"] => serve(&new(None)),
        ["serve", btf] => serve(&new(Some(btf))),
        [how @ ("cold" | "memory"), object] => once(&new(None), how, object),
        [how @ ("cold" | "memory"), object, btf] => once(&new(Some(btf)), how, object),
        _ => {
            eprintln!("usage: cold|memory OBJ [BTF] | serve [BTF]");
            exit(2)
        }
    }
}

fn once(linker: &impl Linker, how: &str, object: &str) {
    let mut digest = Digest::default();
    let result = linker.link_file(object, Some(&mut digest));
    println!("{digest}");
    if how == "memory" {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let told = |line: &&str| line.starts_with("VmHWM") || line.starts_with("Rss");
        status.lines().filter(told).for_each(|l| println!("{l}"));
    }
    if let Err(error) = result {
        eprintln!("{object}: {error}");
        exit(3);
    }
    // A loader would go on: nobody's cleaning up is measured.
    exit(0)
}

/// Files stay in memory once they were named.
#[derive(Default)]
struct Files(HashMap<String, Vec<u8>>);

impl Files {
    fn load<'p>(&mut self, paths: impl Iterator<Item = &'p str>) -> Vec<&[u8]> {
        let paths: Vec<&str> = paths.collect();
        for path in &paths {
            if !self.0.contains_key(*path) {
                self.0.insert((*path).to_owned(), read(path));
            }
        }
        paths.iter().map(|path| &self.0[*path][..]).collect()
    }
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| {
        eprintln!("{path}: {error}");
        exit(2)
    })
}

fn serve(linker: &impl Linker) {
    let mut files = Files::default();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let mut words = line.split_whitespace();
        match words.next() {
            Some("digest") => told(linker, files.load(words)[0]),
            Some("link") => {
                let times = number(words.next());
                let objects = files.load(words);
                timed(|| linked(linker, &objects, times, 0));
            }
            Some("threads") => {
                let (threads, times) = (number(words.next()), number(words.next()));
                let objects = files.load(words);
                timed(|| in_threads(linker, &objects, times, threads));
            }
            Some("kernels") => {
                let object = files.load(words.next().into_iter())[0];
                let kernels: Vec<&str> = words.collect();
                timed(|| {
                    kernels
                        .iter()
                        .for_each(|btf| must(linker.link_for(object, btf)))
                });
            }
            _ => exit(2),
        }
        if std::io::stdout().flush().is_err() {
            return;
        }
    }
}

fn number(word: Option<&str>) -> usize {
    word.and_then(|word| word.parse().ok()).unwrap_or(1)
}

fn must(result: Result<(), String>) {
    if let Err(error) = result {
        eprintln!("{error}");
        exit(3);
    }
}

fn told(linker: &impl Linker, object: &[u8]) {
    let mut digest = Digest::default();
    if linker.link(object, Some(&mut digest)).is_err() {
        digest.failed += 1;
    }
    println!("{digest}");
}

fn linked(linker: &impl Linker, objects: &[&[u8]], times: usize, first: usize) {
    for _ in 0..times {
        for i in 0..objects.len() {
            let object = objects[(first + i) % objects.len()];
            must(linker.link(object, None));
        }
    }
}

fn in_threads(linker: &impl Linker, objects: &[&[u8]], times: usize, threads: usize) {
    std::thread::scope(|scope| {
        for t in 0..threads {
            let first = t * objects.len() / threads;
            scope.spawn(move || linked(linker, objects, times, first));
        }
    });
}

/// Prints the nanoseconds that passed, and those that this process ran.
fn timed(work: impl FnOnce()) {
    let (start, before) = (Instant::now(), process_time());
    work();
    let cpu = process_time().saturating_sub(before);
    println!("{} {}", start.elapsed().as_nanos(), cpu.as_nanos());
}

/// User and system time of this process, all its threads.
fn process_time() -> Duration {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `at` is a timespec that the call may write.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut at) };
    assert_eq!(failed, 0, "every Linux has this clock");
    Duration::new(
        at.tv_sec.unsigned_abs(),
        u32::try_from(at.tv_nsec).unwrap_or(0),
    )
}
