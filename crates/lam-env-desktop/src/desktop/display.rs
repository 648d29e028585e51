//! A virtual X display whose screen is a file, so that a screenshot needs no X client. Knows nothing of D-Bus.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Folder, Group};
use crate::fault::Fault;

/// A running Xvfb.
pub struct Display {
    // Ends before the files that it leaves behind are removed.
    group: Group,
    files: Files,
}

/// What a killed server leaves behind.
struct Files {
    number: u32,
    owner: u32,
}

impl Display {
    /// Starts it on a number that nobody uses.
    pub async fn start(
        folder: &Folder,
        variables: &[(String, String)],
        (width, height): (u32, u32),
        limit: Duration,
    ) -> Result<Self, Fault> {
        let screen = format!("{width}x{height}x24");
        let framebuffer = folder.path().display().to_string();
        let args = ["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset", "-fbdir", &framebuffer];
        // Without GLX the server loads no renderer: some 45 MiB less, and no application here draws in three dimensions.
        let mut command = Command::new("Xvfb");
        command.args(args).args(["-extension", "GLX"]);
        let log = folder.path().join("display.log");
        let group = Group::start(command, variables, &log)?;
        let started = Instant::now();
        loop {
            if let Some(number) = number_in(&log) {
                let files = Files { number, owner: group.id() };
                return Ok(Self { group, files });
            }
            if group.has_ended() || started.elapsed() > limit {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(Fault::lost(format!("Xvfb did not start: {}", said.trim())));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `:7`.
    pub fn name(&self) -> String {
        format!(":{}", self.files.number)
    }

    /// The socket on which clients reach it.
    pub fn socket(&self) -> PathBuf {
        self.files.socket()
    }

    /// Whether the process is gone.
    pub fn has_ended(&self) -> bool {
        self.group.has_ended()
    }

    /// The screen as a PNG file.
    pub fn screenshot(&self, folder: &Path) -> Result<Vec<u8>, Fault> {
        let file = folder.join("Xvfb_screen0");
        let bytes = std::fs::read(&file).map_err(|error| Fault::lost(format!("{}: {error}", file.display())))?;
        png_of_xwd(&bytes).ok_or_else(|| Fault::lost(format!("{}: no X window dump", file.display())))
    }
}

impl Files {
    fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/tmp/.X11-unix/X{}", self.number))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let lock = PathBuf::from(format!("/tmp/.X{}-lock", self.number));
        let owner = std::fs::read_to_string(&lock).unwrap_or_default();
        // Another server may have taken the number since.
        if owner.trim() == self.owner.to_string() {
            let _ = lam_store::remove_file(&self.socket());
            let _ = lam_store::remove_file(&lock);
        }
    }
}

/// The display number, which the server writes on a line of its own.
fn number_in(log: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(log).ok()?;
    let whole = &text[..=text.rfind('\n')?];
    whole.lines().find_map(|line| line.trim().parse().ok())
}

/// An X window dump of 32 bits a pixel as PNG (X11/XWDFile.h: 32-bit words, most significant byte first).
fn png_of_xwd(bytes: &[u8]) -> Option<Vec<u8>> {
    let word = |index: usize| Some(u32::from_be_bytes(bytes.get(4 * index..4 * index + 4)?.try_into().ok()?) as usize);
    let (header, width, height) = (word(0)?, word(4)?, word(5)?);
    let (byte_order, bits, stride, colors) = (word(7)?, word(11)?, word(12)?, word(19)?);
    if bits != 32 || width > 16_384 || height > 16_384 {
        return None;
    }
    let pixels = bytes.get(header + 12 * colors..)?;
    let order = if byte_order == 0 { [2, 1, 0] } else { [1, 2, 3] };
    let mut rgb = Vec::with_capacity(3 * width * height);
    for row in pixels.chunks(stride).take(height) {
        for pixel in row.get(..4 * width)?.chunks_exact(4) {
            rgb.extend(order.map(|at| pixel[at]));
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rgb).ok()?;
    writer.finish().ok()?;
    Some(file)
}
