//! Figures → lines.

use std::time::Duration;

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Two sides of a comparison, round by round: medians of both, and the median, least and largest of their ratios.
pub(crate) fn ratio(what: &str, unit: &str, ours: &[f64], other: &[f64]) {
    let mut ratios: Vec<f64> = ours.iter().zip(other).map(|(a, b)| a / b).collect();
    ratios.sort_by(f64::total_cmp);
    let (a, b) = (median(ours.to_vec()), median(other.to_vec()));
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    let middle = median(ratios);
    println!("  {what:<44} {a:9.3} : {b:9.3} {unit:<3}  ratio {middle:.2} ({least:.2} to {most:.2})");
}

pub(crate) fn figure(what: &str, figures: &[f64], unit: &str) {
    println!("  {what:<44} {:9.3} {unit}", median(figures.to_vec()));
}

/// How many processors, and how busy they were before.
pub(crate) fn machine() {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    println!("{processors} processors; load average before {load} (above 1: others were at work)");
}
