//! Made-up measurements.

use measure::{Delivery, Key, Measurement, ProcessUsage, Recorder, Stamp, Verdict};

/// One completed, valid trial with 1000 answers (or deliveries) of the same latency.
pub(crate) fn trial(kind: &str, arm: &str, trial: u32, latency_us: u64) -> Measurement {
    let mut recorder = Recorder::new(0);
    for sample in 0..1000 {
        let (sent, received) = (sample * 1_000_000, sample * 1_000_000 + latency_us * 1000);
        recorder.sent(sent);
        recorder.answer(Stamp {
            intended: sent,
            sent,
            received,
        });
        if kind != "echo" {
            recorder.delivery(sent, received);
        }
    }
    let mut measurement = Measurement::new(Key::new("made-up", kind, arm, trial, 1));
    measurement.latencies = recorder.finish(1_000_000_000);
    measurement.verdict = Verdict::Valid;
    measurement.measured_s = 1.0;
    measurement.counts.intended = 1000;
    measurement.counts.sent = 1000;
    measurement.counts.completed = 1000;
    if kind != "echo" {
        measurement.counts.delivered = 1000;
        measurement.delivery = Some(Delivery {
            expected: 1000,
            delivered: 1000,
            ..Delivery::default()
        });
    }
    if arm != "inproc" {
        measurement.traffic.wire_up_bytes = 100_000;
        measurement.traffic.wire_down_bytes = 150_000;
        let server = ProcessUsage {
            cpu_user_ns: 10_000_000,
            cpu_system_ns: 2_300_000,
            ..ProcessUsage::default()
        };
        measurement.usage.server = Some(server);
        measurement.usage.memory.connections = 10;
        measurement.usage.memory.server_rss_before_bytes = Some(1 << 20);
        measurement.usage.memory.server_rss_after_bytes = Some((1 << 20) + 123_450);
    }
    measurement
}
