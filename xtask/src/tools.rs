//! Programs that the driver tests need: found, or installed with Debian's packages where we may.

use std::path::Path;
use std::process::{Command, Stdio};

/// Tells whether a program runs and ends well.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    quiet(program, arguments).is_ok_and(|status| status)
}

/// Makes sure that a program is there; installs Debian packages when it is not and we are root.
pub fn require(program: &str, arguments: &[&str], packages: &[&str]) -> Result<(), String> {
    if answers(program, arguments) {
        return Ok(());
    }
    install(packages)?;
    if answers(program, arguments) {
        return Ok(());
    }
    Err(format!("'{program}' does not run, even with {} installed", packages.join(" ")))
}

/// Installs Debian packages, or says which ones are missing.
pub fn install(packages: &[&str]) -> Result<(), String> {
    let list = packages.join(" ");
    if !answers("apt-get", &["--version"]) || !is_root() {
        return Err(format!("please install {list}"));
    }
    println!("installing {list}");
    // A list of packages that is out of date is no reason to stop: the packages may still be found.
    let _ = quiet("apt-get", &["update", "--quiet"]);
    let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    match Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(&arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => Err(format!("could not install {list} with apt-get")),
    }
}

/// Runs a program to its end; an error names what was run.
pub fn must(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} ended with {status}")),
        Err(error) => Err(format!("cannot run {shown}: {error}")),
    }
}

/// Tells whether a folder was prepared from exactly this text before.
pub fn is_prepared(folder: &Path, from: &str) -> bool {
    std::fs::read_to_string(folder.join("prepared")).is_ok_and(|found| found == from)
}

/// Remembers what a folder was prepared from; written last, so that a broken installation is made anew.
pub fn mark_prepared(folder: &Path, from: &str) -> Result<(), String> {
    std::fs::write(folder.join("prepared"), from)
        .map_err(|error| format!("cannot write in {}: {error}", folder.display()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn quiet(program: &str, arguments: &[&str]) -> std::io::Result<bool> {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(status.success())
}
