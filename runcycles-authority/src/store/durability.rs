//! What an answer survives.

/// What has happened to a change on disk before it is answered, and so what every answer survives.
///
/// Either way an answer is given only once everything it was made from is kept: whoever has been told of a reservation, a
/// commit or a balance finds it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// It was handed to the operating system. Answers survive the end of the process however it comes: a panic, a kill, the
    /// out-of-memory killer. The disk has everything about a second later; a power cut or a crash of the operating system
    /// costs at most what came after that, and what is kept then is the state at one moment, never parts of several.
    ProcessCrash,
    /// It was written to the disk, as far as the disk says. Answers survive a power cut too, and take as long as the disk
    /// takes to synchronise; requests that come together share that.
    #[default]
    PowerLoss,
}
