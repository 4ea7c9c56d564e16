//! How long the door takes on disk: one get, a thousand entries of a scan, one durable commit, a batch.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions, Store, Writer};

const ENTRIES: u64 = 200_000;

fn filled(folder: &std::path::Path) -> Arc<dyn Store> {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = LmdbEngine.open(folder, &options).expect("opens");
    let fill = &mut |writer: &mut dyn Writer| (0..ENTRIES).try_for_each(|n| writer.append(&n.to_be_bytes(), &[7; 40]));
    store.write(fill).expect("room");
    store
}

fn reading(bench: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = filled(folder.path());
    let snapshot = store.snapshot().expect("a place");
    let mut number = 0;
    bench.bench_function("get", |bench| {
        bench.iter(|| {
            number = (number + 7_919) % ENTRIES;
            black_box(snapshot.get(&number.to_be_bytes()).expect("reads").map(|value| value.len()))
        });
    });
    bench.bench_function("snapshot", |bench| bench.iter(|| black_box(store.snapshot().expect("a place"))));
    let mut group = bench.benchmark_group("scan");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1,000 entries", |bench| {
        bench.iter(|| {
            let mut bytes = 0;
            let range = &5_000u64.to_be_bytes()[..]..&6_000u64.to_be_bytes()[..];
            let visit = &mut |key: &[u8], value: &[u8]| {
                bytes += key.len() + value.len();
                true
            };
            snapshot.scan(range, visit).expect("reads");
            black_box(bytes)
        });
    });
}

fn writing(bench: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = filled(folder.path());
    let mut number = 0u64;
    bench.bench_function("durable commit of one entry", |bench| {
        bench.iter(|| {
            number = (number + 7_919) % ENTRIES;
            store.write(&mut |writer: &mut dyn Writer| writer.put(&number.to_be_bytes(), &[8; 40])).expect("commits");
        });
    });
    let mut group = bench.benchmark_group("commit");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 entries", |bench| {
        bench.iter_batched(
            || (0..10_000u64).map(|n| (n * 7_919) % ENTRIES).collect::<Vec<_>>(),
            |keys| {
                let work =
                    &mut |writer: &mut dyn Writer| keys.iter().try_for_each(|n| writer.put(&n.to_be_bytes(), &[9; 40]));
                store.write(work).expect("commits");
            },
            BatchSize::LargeInput,
        );
    });
}

fn opening(bench: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    drop(filled(folder.path()));
    let options = OpenOptions::default();
    bench.bench_function("open and close a closed store", |bench| {
        bench.iter(|| black_box(LmdbEngine.open(folder.path(), &options).expect("opens")));
    });
    let mut number = 0;
    bench.bench_function("make a store", |bench| {
        bench.iter(|| {
            number += 1;
            let options = OpenOptions { create: true, ..OpenOptions::default() };
            black_box(LmdbEngine.open(&folder.path().join(number.to_string()), &options).expect("opens"))
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2));
    targets = reading, writing, opening
}
criterion_main!(benches);
