//! Memory: lent, written, read, copied, given back.

use half::bf16;
use lam_cuda::{CudaError, Device, Settings};

use crate::{MIB, device, libraries, random, settings, waits};

pub fn numbers_come_back_as_they_went() {
    let device = device();
    let wide = random(1000, 1);
    assert_eq!(device.read(&device.upload(&wide).unwrap()).unwrap(), wide);
    let narrow: Vec<_> = wide.iter().map(|&value| bf16::from_f32(value)).collect();
    assert_eq!(device.read(&device.upload(&narrow).unwrap()).unwrap(), narrow);
    assert_eq!(device.read(&device.upload(&[i64::MIN, 7]).unwrap()).unwrap(), [i64::MIN, 7]);
    assert_eq!(device.read(&device.upload::<u8>(&[]).unwrap()).unwrap(), [0_u8; 0]);
    assert_eq!(device.read(&device.zeros::<u32>(5).unwrap()).unwrap(), [0; 5]);
}

pub fn views_are_parts() {
    let device = device();
    let mut buffer = device.upload(&[0i32, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    device.write(buffer.view_mut(2..4), &[20, 30]).unwrap();
    assert_eq!(device.read(buffer.view(1..=4).part(1..)).unwrap(), [20, 30, 4]);
    let (first, second) = buffer.all_mut().split_at(3);
    device.copy(first.part(..2), second.as_view().part(3..)).unwrap();
    device.fill_zero(second.part(1..3)).unwrap();
    assert_eq!(device.read(&buffer).unwrap(), [6, 7, 20, 30, 0, 0, 6, 7]);
}

pub fn fresh_memory_is_not_a_number() {
    let device = device();
    // A second time at the same place as well.
    for value in [1.0, 2.0] {
        let mut buffer = device.alloc::<f32>(100).unwrap();
        assert!(device.read(&buffer).unwrap().iter().all(|value| value.is_nan()));
        device.write(&mut buffer, &[value; 100]).unwrap();
    }
}

pub fn large_uploads_arrive_behind_the_callers_back() {
    let settings = Settings { memory_bytes: 256 * MIB, ..settings() };
    let device = Device::open_with(&libraries(), &settings).unwrap();
    // Several pieces, the last not whole.
    let values: Vec<u32> = (0..12 * MIB as u32 + 77).collect();
    let mut buffer = device.alloc(values.len()).unwrap();
    device.write(buffer.view_mut(..100), &values[..100]).unwrap();
    device.write(buffer.view_mut(100..), &values[100..]).unwrap();
    assert!(device.read(&buffer).unwrap() == values);
}

pub fn lists_wait_for_nobody_and_stay_what_they_were() {
    let device = device();
    let list = |index: u32| (0..1000).map(|i| index * 1000 + i).collect::<Vec<u32>>();
    // More than the staging holds: it is filled again, when what it held has arrived.
    let before = waits();
    let buffers: Vec<_> = (0..4000).map(|index| device.upload(&list(index)).unwrap()).collect();
    assert!(waits() - before <= 16, "{} waits", waits() - before);
    for (index, buffer) in buffers.iter().enumerate() {
        assert_eq!(device.read(buffer).unwrap(), list(index as u32));
    }
}

pub fn late_reads_are_of_their_time() {
    let device = device();
    let mut values = device.upload(&[1f32, 2.0, 3.0]).unwrap();
    let _first_slot = device.read_late(values.view(..1)).unwrap().wait().unwrap();
    let before = waits();
    let first = device.read_late(values.view(1..)).unwrap();
    device.write(&mut values, &[4.0, 5.0, 6.0]).unwrap();
    let second = device.read_late(&values).unwrap();
    drop(values);
    let _other = device.upload(&[7f32; 3]).unwrap();
    assert_eq!(waits(), before);
    // Both have arrived once the later one has: that is waited for, and once.
    assert_eq!((second.wait().unwrap(), first.wait().unwrap()), (vec![4.0, 5.0, 6.0], vec![2.0, 3.0]));
    assert_eq!(second.wait().unwrap(), [4.0, 5.0, 6.0]);
    assert_eq!(waits(), before + 1);
    // Memory that a read has given back is another's.
    drop((first, second));
    let values = device.upload(&random(500, 3)).unwrap();
    let reads: Vec<_> = (0..20).map(|i| device.read_late(values.view(i * 7..500 - i)).unwrap()).collect();
    for (i, read) in reads.iter().enumerate() {
        assert_eq!(read.wait().unwrap(), random(500, 3)[i * 7..500 - i]);
    }
    assert!(device.read_late(values.view(..0)).unwrap().wait().unwrap().is_empty());
}

pub fn numbers_are_made_where_the_device_reads_them() {
    let settings = Settings { memory_bytes: 256 * MIB, ..settings() };
    let device = Device::open_with(&libraries(), &settings).unwrap();
    // Rows of 1000, in several pieces that each begin with a row.
    let (rows, unit) = (12_500, 1000);
    let mut buffer = device.alloc::<u32>(rows * unit).unwrap();
    let mut firsts = Vec::new();
    let made = device.stream_made::<_, CudaError>(&mut buffer, unit, |first, numbers| {
        firsts.push(first);
        numbers.iter_mut().zip(first as u32..).for_each(|(number, index)| *number = index);
        Ok(())
    });
    made.unwrap();
    assert!(firsts.len() > 2 && firsts.iter().all(|first| first % unit == 0), "{firsts:?}");
    assert!(device.read(&buffer).unwrap().into_iter().eq(0..(rows * unit) as u32));
    // What cannot be made is said, and the next one is sent as ever.
    struct Refused;
    impl From<CudaError> for Refused {
        fn from(_: CudaError) -> Self {
            Self
        }
    }
    assert!(device.stream_made(&mut buffer, unit, |_, _| Err(Refused)).is_err());
    device.write(buffer.view_mut(..2), &[7, 8]).unwrap();
    assert_eq!(device.read(buffer.view(..3)).unwrap(), [7, 8, 2]);
}

pub fn dropped_memory_is_had_again() {
    let device = device();
    let before = device.used();
    for _ in 0..100 {
        let buffer = device.alloc::<u8>(20 * MIB).unwrap();
        assert_eq!(device.used(), before + buffer.len());
    }
    assert_eq!((device.used(), device.peak()), (before, before + 20 * MIB));
    device.reset_peak();
    assert_eq!(device.peak(), before);
    // A buffer keeps its device.
    let buffer = device.upload(&[1f32]).unwrap();
    let other = device.clone();
    drop(device);
    assert_eq!(other.read(&buffer).unwrap(), [1.0]);
}

pub fn a_full_device_says_its_figures() {
    let device = device();
    let _kept = device.alloc::<u8>(10 * MIB).unwrap();
    let error = device.alloc::<f32>(6 * MIB).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, CudaError::OutOfMemory { .. }), "{text}");
    let figures = "24 MiB asked for, 10 MiB in use, 22 MiB free, the largest piece of it 22 MiB";
    assert!(text.contains(figures), "{text}");
    assert!(matches!(device.alloc::<f32>(usize::MAX), Err(CudaError::OutOfMemory { .. })));
}

pub fn any_thread_may_use_a_device() {
    let device = device();
    let threads: Vec<_> = (0..4u64)
        .map(|seed| {
            let device = device.clone();
            std::thread::spawn(move || {
                for round in 0..50 {
                    let values = random(1000, seed * 100 + round);
                    let buffer = device.upload(&values).unwrap();
                    assert_eq!(device.read(&buffer).unwrap(), values);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(device.used(), 0);
}
