//! Criterion with a clock of its own: the processor time of the measuring thread.
//!
//! Time on the clock grows with whatever else runs on the machine; processor time does so only as
//! far as caches are shared.

use std::time::Duration;

use cpu_time::ThreadTime;
use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// Criterion over processor time.
pub(crate) type Bench = Criterion<ProcessorTime>;

/// Criterion as the command line asks for it.
pub(crate) fn criterion() -> Bench {
    Criterion::default().with_measurement(ProcessorTime).configure_from_args()
}

/// The processor time of the calling thread.
pub(crate) struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = ThreadTime;
    type Value = Duration;

    fn start(&self) -> ThreadTime {
        ThreadTime::now()
    }

    fn end(&self, start: ThreadTime) -> Duration {
        start.elapsed()
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
