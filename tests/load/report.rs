//! Figures → lines.

use std::sync::Mutex;
use std::time::Duration;

/// How many times its aim a figure may be where it is judged: machines are noisy.
const MARGIN: f64 = 2.0;

/// Figures that were within their margin, and those that were not.
static JUDGED: Mutex<(usize, usize)> = Mutex::new((0, 0));

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Two sides of a comparison, round by round: medians of both, and the median, least and largest of their ratios, which is
/// to be at most `aim`.
pub(crate) fn ratio(what: &str, unit: &str, ours: &[f64], other: &[f64], aim: f64) {
    let mut ratios: Vec<f64> = ours.iter().zip(other).map(|(a, b)| a / b).collect();
    ratios.sort_by(f64::total_cmp);
    let (a, b) = (median(ours.to_vec()), median(other.to_vec()));
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    let middle = median(ratios);
    let figures = format!("{a:9.3} : {b:9.3} {unit:<3}  ratio {middle:.2} ({least:.2} to {most:.2})");
    println!("  {what:<44} {figures}, aim {aim}{}", judge(middle, aim));
}

/// A figure that does not depend on what else the machine does.
pub(crate) fn size(what: &str, figure: f64, unit: &str, aim: f64) {
    println!("  {what:<44} {figure:9.3} {unit}, aim {aim}{}", judge(figure, aim));
}

/// A figure that tells of this machine alone.
pub(crate) fn figure(what: &str, figures: &[f64], unit: &str) {
    println!("  {what:<44} {:9.3} {unit}", median(figures.to_vec()));
}

fn judge(figure: f64, aim: f64) -> &'static str {
    let mut judged = JUDGED.lock().unwrap();
    if figure <= aim * MARGIN {
        judged.0 += 1;
        return "";
    }
    judged.1 += 1;
    "  FAILED"
}

/// Says how many figures passed and failed, and whether all passed.
pub(crate) fn verdict() -> bool {
    let (passed, failed) = *JUDGED.lock().unwrap();
    println!("\n{passed} passed, {failed} failed (at most {MARGIN} times the aim)");
    failed == 0
}

/// How many processors, and how busy they were before.
pub(crate) fn machine() {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    println!("{processors} processors; load average before {load} (above 1: others were at work)");
}
