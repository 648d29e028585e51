//! Devices and libraries that cannot be used: what is said of them, before anything is done.

use std::os::unix::fs::symlink;

use lam_cuda::{ALL_FREE, CudaError, Device, Libraries, Settings};
use lam_signal::{Fault, FaultKind};

use crate::{MIB, folder, libraries, settings, with};

fn refused(settings: &Settings) -> CudaError {
    Device::open_with(&libraries(), settings).err().unwrap()
}

pub fn a_folder_that_is_named_is_taken() {
    let folder = folder().display().to_string();
    with(&[("LAM_CUDA_LIBRARIES", &folder), ("EMULATED_DEVICES", "2")], || {
        assert_eq!(Device::count().unwrap(), 2);
        let device = Device::open(1, MIB).unwrap();
        assert_eq!((device.properties().ordinal, device.capacity()), (1, MIB));
    });
}

pub fn a_device_that_is_too_old() {
    let error = with(&[("EMULATED_CAPABILITY", "75")], || refused(&settings()));
    let reason = "Emulated device: its compute capability is 7.5, and 8.0 or later is needed";
    assert_eq!(error.details().sentence(), reason);
    with(&[("EMULATED_CAPABILITY", "80")], || Device::open_with(&libraries(), &settings()).map(drop).unwrap());
}

pub fn a_driver_that_is_too_old() {
    let error = with(&[("EMULATED_DRIVER", "11080")], || Libraries::in_folder(&folder()).err().unwrap());
    let reason = "the CUDA version of the driver = 11.8: 12.0 or later is needed";
    assert_eq!(error.details().sentence(), reason);
}

pub fn a_number_that_no_device_has() {
    let error = refused(&Settings { ordinal: 1, ..settings() });
    assert_eq!(error.kind(), FaultKind::Config);
    assert_eq!(error.details().sentence(), "device cuda:1: there are 1, counted from 0");
    let error = with(&[("EMULATED_DEVICES", "0")], || refused(&settings()));
    assert_eq!(error.details().sentence(), "device cuda:0: the driver sees no device");
    let settings = Settings { ordinal: 1, ..settings() };
    with(&[("EMULATED_DEVICES", "2")], || Device::open_with(&libraries(), &settings).map(drop).unwrap());
}

pub fn more_memory_than_there_is() {
    let memory = (512 * MIB).to_string();
    let error = with(&[("EMULATED_MEMORY", &memory)], || refused(&Settings { memory_bytes: 500 * MIB, ..settings() }));
    let text = error.to_string();
    // 64 MiB are the products'.
    assert!(
        text.starts_with("memory of cuda:0: 564 MiB to be reserved, 512 MiB free of 512 MiB\nhint: the card"),
        "{text}"
    );
}

pub fn all_that_is_free_is_had() {
    let memory = (3_usize << 30).to_string();
    with(&[("EMULATED_MEMORY", &memory)], || {
        let settings = Settings { memory_bytes: ALL_FREE, ..settings() };
        let device = Device::open_with(&libraries(), &settings).unwrap();
        assert_eq!(device.capacity(), 2 << 30);
    });
}

pub fn nothing_is_free_for_it() {
    let memory = (1536 * MIB).to_string();
    with(&[("EMULATED_MEMORY", &memory)], || {
        let first = Device::open_with(&libraries(), &Settings { memory_bytes: 1024 * MIB, ..settings() }).unwrap();
        let text = refused(&Settings { memory_bytes: ALL_FREE, ..settings() }).to_string();
        assert!(text.starts_with("memory of cuda:0: 1024 MiB to be reserved, "), "{text}");
        assert!(text.contains("MiB free of 1536 MiB\nhint: another process holds the rest"), "{text}");
        drop(first);
    });
}

pub fn memory_that_somebody_else_holds() {
    let memory = (512 * MIB).to_string();
    with(&[("EMULATED_MEMORY", &memory)], || {
        let settings = Settings { memory_bytes: 200 * MIB, ..settings() };
        let first = Device::open_with(&libraries(), &settings).unwrap();
        let text = refused(&settings).to_string();
        assert!(text.contains("MiB free of 512 MiB\nhint: another process holds the rest"), "{text}");
        drop(first);
        Device::open_with(&libraries(), &settings).map(drop).unwrap();
    });
}

pub fn a_folder_without_a_library() {
    for absent in ["libcublasLt.so.12", "libnvrtc.so.12"] {
        let place = tempfile::tempdir().unwrap();
        for name in ["libcuda.so.1", "libcublasLt.so.12", "libnvrtc.so.12"] {
            if name != absent {
                symlink(folder().join(name), place.path().join(name)).unwrap();
            }
        }
        let text = Libraries::in_folder(place.path()).err().unwrap().to_string();
        let part = if absent.contains("nvrtc") { "NVRTC" } else { "cuBLASLt" };
        let begin = format!("no usable {part}: none of version 12 in {}", place.path().display());
        assert!(text.starts_with(&begin) && text.ends_with("run `scripts/fetch_cuda.sh 12`"), "{text}");
    }
}

pub fn a_library_of_another_kind() {
    let place = tempfile::tempdir().unwrap();
    for name in ["libcuda.so.1", "libnvrtc.so.12"] {
        symlink(folder().join(name), place.path().join(name)).unwrap();
    }
    let file = place.path().join("libcublasLt.so.12");
    std::fs::write(&file, "no library").unwrap();
    let text = Libraries::in_folder(place.path()).err().unwrap().to_string();
    assert!(text.contains(&format!("{}: ", file.display())), "{text}");
    std::fs::remove_file(&file).unwrap();
    // A library without the functions: one that every machine has.
    let other = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = other.split_whitespace().find(|word| word.contains("libc.so.6")).unwrap().to_owned();
    symlink(libc, &file).unwrap();
    let text = Libraries::in_folder(place.path()).err().unwrap().to_string();
    assert!(text.contains("it has no function cublasLtGetVersion; version 12 is needed"), "{text}");
}
