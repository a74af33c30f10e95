//! Figures of recordings that sampled: marked, and with the interval that holds the truth in 95 of 100 runs.

use lowtide_profile::{Profile, Sampling, Usage};
use lowtide_units::{Bytes, Estimate};

/// Bytes as they were measured, or estimated with their margin.
pub fn bytes_of(usage: Usage, sampling: Option<Sampling>) -> String {
    match sampling {
        None => usage.bytes.to_string(),
        Some(sampling) => {
            format!("{} ± {}", Estimate(usage.bytes), sampling.margin(usage))
        }
    }
}

/// Bytes of which no margin is told.
pub fn marked(bytes: Bytes, sampling: Option<Sampling>) -> String {
    if sampling.is_some() { Estimate(bytes).to_string() } else { bytes.to_string() }
}

/// The heap at its peak.
pub fn peak_usage(profile: &Profile) -> Usage {
    Usage { bytes: profile.peak().heap, count: profile.peak().blocks }
}

/// What the reader has to know of such figures.
pub fn sampling_note(profile: &Profile) -> Option<String> {
    let Sampling { mean } = profile.sampling()?;
    let what = format!("sampled, one block every {mean} on average");
    Some(format!("{what}: figures of the heap are estimates, ± what holds in 95 of 100 runs"))
}
