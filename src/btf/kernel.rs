//! BTF that the running kernel shows in sysfs, read in place and shared.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::map::map_read_only;
use super::{Btf, Data};

/// Where the running kernel shows its BTF, and that of its modules.
pub const SYSFS_BTF: &str = "/sys/kernel/btf";

/// Longer BTF than this is not read; the kernel refuses over 16 MB for programs,
/// and its own is 6 MB.
const LEN_MAX: u64 = 1 << 30;

impl Data {
    /// The bytes of a file of sysfs: mapped where the kernel allows it (since 6.16
    /// for vmlinux), else read.
    pub fn from_sysfs(path: &Path) -> io::Result<Data> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        if len > LEN_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        // Only there is a file that cannot change under the mapping.
        if path.parent() == Some(Path::new(SYSFS_BTF))
            && let Ok(map) = map_read_only(&file, len as usize)
        {
            return Ok(Data::mapped(map));
        }
        let mut bytes = Vec::with_capacity(len as usize);
        Read::by_ref(&mut file)
            .take(LEN_MAX)
            .read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// BTF that is loaded once and shared by all who ask, until it is flushed.
#[derive(Debug, Default)]
pub struct SharedBtf(Mutex<Option<Arc<Btf>>>);

impl SharedBtf {
    /// Nothing loaded yet.
    pub const fn new() -> SharedBtf {
        SharedBtf(Mutex::new(None))
    }

    /// The BTF that `load` gave, now or before. Others who ask meanwhile wait for it;
    /// a failure is not kept, so that the next one tries again.
    pub fn get<E>(&self, load: impl FnOnce() -> Result<Arc<Btf>, E>) -> Result<Arc<Btf>, E> {
        let mut cached = self.0.lock();
        if let Some(btf) = &*cached {
            return Ok(btf.clone());
        }
        let btf = load()?;
        *cached = Some(btf.clone());
        Ok(btf)
    }

    /// Forgets the BTF; who holds it keeps it.
    pub fn flush(&self) {
        *self.0.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::super::testing::{builder::*, parse};
    use super::*;

    fn some_btf() -> Arc<Btf> {
        let mut b = BtfBuilder::new(Order::Little);
        b.int("int", 4, SIGNED);
        parse(&b)
    }

    #[test]
    fn many_threads_cause_one_load() {
        let (shared, loads) = (SharedBtf::new(), AtomicUsize::new(0));
        let load = || {
            loads.fetch_add(1, SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok::<_, ()>(some_btf())
        };
        let handles: Vec<Arc<Btf>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(|| shared.get(load))).collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap().unwrap())
                .collect()
        });
        assert_eq!(loads.load(SeqCst), 1);
        assert!(handles.iter().all(|btf| Arc::ptr_eq(btf, &handles[0])));
    }

    #[test]
    fn a_failure_is_tried_again_and_a_flush_leaves_handles_valid() {
        let shared = SharedBtf::new();
        assert_eq!(shared.get(|| Err("no")).unwrap_err(), "no");
        let first = shared.get(|| Ok::<_, ()>(some_btf())).unwrap();
        let again = shared.get(|| -> Result<_, ()> { panic!("loaded twice") });
        assert!(Arc::ptr_eq(&first, &again.unwrap()));
        shared.flush();
        let second = shared.get(|| Ok::<_, ()>(some_btf())).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(first.named(b"int").collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_file_elsewhere_is_read() {
        let path = std::env::temp_dir().join(format!("bpflink-sysfs-{}", std::process::id()));
        std::fs::write(&path, b"some bytes").unwrap();
        let data = Data::from_sysfs(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(data.bytes(), b"some bytes");
        let missing = Data::from_sysfs(&path).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
