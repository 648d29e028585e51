//! What there is of CUDA: the libraries, the cards, and what to do about what is missing.

use lam_cuda::{CudaError, Found, Properties, Report};
use lam_signal::Fault;
use serde_json::{Value, json};

/// For machines.
pub fn value(report: &Report) -> Value {
    let devices = report.devices.as_ref().map(|devices| devices.iter().map(device_value).collect::<Vec<_>>());
    json!({
        "driver": found_value(&report.driver),
        "cublaslt": found_value(&report.products),
        "nvrtc": found_value(&report.compiler),
        "devices": devices.unwrap_or_else(|error| vec![missing(error)]),
    })
}

fn found_value(found: &Result<Found, CudaError>) -> Value {
    match found {
        Ok(found) => json!({ "version": found.version.to_string(), "path": found.path }),
        Err(error) => missing(error),
    }
}

fn missing(error: &CudaError) -> Value {
    let details = error.details();
    json!({ "missing": details.sentence(), "hint": details.hint })
}

fn device_value(device: &Properties) -> Value {
    let (major, minor) = device.capability;
    json!({
        "device": format!("cuda:{}", device.ordinal),
        "name": device.name,
        "capability": format!("{major}.{minor}"),
        "memory_mib": device.total_bytes >> 20,
        "supported": device.check_supported().is_ok(),
    })
}

/// For people: names with what is there, then what to do. Without a driver, that is all there is to say.
pub fn lines(report: &Report) -> Vec<(String, String)> {
    let parts =
        [("cuda driver", &report.driver), ("cuda cuBLASLt", &report.products), ("cuda NVRTC", &report.compiler)];
    let shown = if report.driver.is_ok() { &parts[..] } else { &parts[..1] };
    let mut lines: Vec<_> = shown.iter().map(|(name, found)| ((*name).to_owned(), told(found))).collect();
    match &report.devices {
        Ok(devices) if devices.is_empty() && report.driver.is_ok() => {
            lines.push(("cuda devices".into(), "none".into()))
        }
        Ok(devices) => lines.extend(devices.iter().map(device_line)),
        Err(error) => lines.push(("cuda devices".into(), error.details().sentence())),
    }
    // The driver's comes first: what the others need depends on it. Both libraries have one command.
    let hints = shown.iter().filter_map(|(_, found)| found.as_ref().err()).map(|error| error.details().hint);
    lines.extend(hints.take(1).map(|hint| ("hint".to_owned(), hint)));
    lines
}

fn told(found: &Result<Found, CudaError>) -> String {
    match found {
        Ok(found) => format!("{}, {}", found.version, found.path.display()),
        Err(error) => error.details().sentence(),
    }
}

fn device_line(device: &Properties) -> (String, String) {
    let (major, minor) = device.capability;
    let unusable =
        device.check_supported().err().map_or(String::new(), |error| format!("; {}", error.details().reason));
    let memory = device.total_bytes >> 20;
    let text = format!("{}, compute capability {major}.{minor}, {memory} MiB{unusable}", device.name);
    (format!("cuda:{}", device.ordinal), text)
}

#[cfg(test)]
mod tests {
    use lam_cuda::Version;

    use super::*;

    fn found(version: Version) -> Result<Found, CudaError> {
        Ok(Found { path: "/libraries/one.so".into(), version })
    }

    fn no_compiler() -> Result<Found, CudaError> {
        let (reason, mend) = ("none of version 12".into(), "scripts/fetch_cuda.sh 12".into());
        Err(CudaError::Library { part: "NVRTC", reason, mend })
    }

    fn card(ordinal: usize, capability: (u32, u32)) -> Properties {
        Properties {
            ordinal,
            name: "Card".into(),
            capability,
            multiprocessors: 1,
            shared_memory: 0,
            total_bytes: 24 << 30,
            driver: Version::new(12, 4),
        }
    }

    fn text(report: &Report) -> Vec<String> {
        lines(report).into_iter().map(|(name, text)| format!("{name}: {text}")).collect()
    }

    #[test]
    fn what_is_there_is_listed_and_what_is_missing_has_its_command() {
        let report = Report {
            driver: found(Version::new(12, 4)),
            products: found(Version { major: 12, minor: 4, patch: 5 }),
            compiler: no_compiler(),
            devices: Ok(vec![card(0, (9, 0)), card(1, (7, 5))]),
        };
        assert_eq!(
            text(&report),
            [
                "cuda driver: 12.4, /libraries/one.so",
                "cuda cuBLASLt: 12.4.5, /libraries/one.so",
                "cuda NVRTC: no usable NVRTC: none of version 12",
                "cuda:0: Card, compute capability 9.0, 24576 MiB",
                "cuda:1: Card, compute capability 7.5, 24576 MiB; its compute capability is 7.5, and 8.0 or later is needed",
                "hint: run `scripts/fetch_cuda.sh 12`",
            ]
        );
        let value = value(&report);
        assert_eq!(value["cublaslt"]["version"], "12.4.5");
        assert_eq!(value["nvrtc"]["hint"], "run `scripts/fetch_cuda.sh 12`");
        assert_eq!(value["devices"][1]["supported"], false);
    }

    #[test]
    fn without_a_driver_that_is_all_there_is_to_say() {
        let driver = Err(CudaError::NoDriver { reason: "libcuda.so.1: not there".into() });
        let report = Report { driver, products: no_compiler(), compiler: no_compiler(), devices: Ok(Vec::new()) };
        let text = text(&report);
        assert_eq!(text[0], "cuda driver: no CUDA driver: libcuda.so.1: not there");
        assert!(text.len() == 2 && text[1].starts_with("hint: install NVIDIA's driver"), "{text:?}");
    }
}
