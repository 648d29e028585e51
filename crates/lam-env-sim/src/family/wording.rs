//! The templates in which requests are worded, shared by families of the same shape.
//!
//! `seen` templates occur in training sets; `unseen` ones are kept for the test set and occur nowhere else.
//! `{s}` is the family's subject, `{x}` text of the document, `{y}` new text, `{o}` the option, `{a}` and
//! `{b}` numbers. The first template is an imperative: documentation uses it.

/// Templates of requests.
#[derive(Clone, Copy, Debug)]
pub struct Wording {
    /// Templates that training sets use.
    pub seen: &'static [&'static str],
    /// Templates kept for the test set.
    pub unseen: &'static [&'static str],
}

macro_rules! wordings {
    ($($(#[$doc:meta])* $id:ident: [$($seen:literal),* $(,)?], [$($unseen:literal),* $(,)?];)*) => {
        $($(#[$doc])* pub static $id: Wording = Wording { seen: &[$($seen),*], unseen: &[$($unseen),*] };)*
    };
}

wordings! {
    /// A format of some text.
    MARK: ["make '{x}' {s}", "apply {s} to '{x}'", "set the text '{x}' to {s}", "use {s} for '{x}'", "select '{x}' and apply {s}", "{s} for the words '{x}'"],
        ["please give '{x}' the {s} format", "'{x}' should be {s}", "i want the text '{x}' to be {s}"];
    /// Formats removed from some text.
    CLEAR: ["{s} the formatting of '{x}'", "{s} all formats of '{x}'", "select '{x}' and {s} its formatting", "{s} the format of the words '{x}'"],
        ["i want to {s} the formatting of '{x}'", "please {s} every format of '{x}'"];
    /// Text marked for the index.
    ENTRY: ["mark '{x}' as an {s}", "make '{x}' an {s}", "add the {s} '{x}'", "select '{x}' and mark it as an {s}"],
        ["'{x}' should be an {s}", "please mark the words '{x}' as an {s}"];
    /// A value for some text.
    VALUE: ["set the {s} of '{x}' to {o}", "change '{x}' to {o} {s}", "use {o} as the {s} of '{x}'", "give '{x}' the {s} {o}", "select '{x}' and set the {s} to {o}"],
        ["for '{x}' the {s} must be {o}", "put the {s} {o} on '{x}'", "'{x}' should have {o} as the {s}"];
    /// A number for some text.
    AMOUNT: ["set the {s} of '{x}' to {a}", "change '{x}' to {s} {a}", "use {a} as the {s} of '{x}'", "give '{x}' a {s} of {a}", "select '{x}' and set the {s} to {a}"],
        ["for '{x}' the {s} must be {a}", "put the {s} {a} on '{x}'", "'{x}' should have {a} as the {s}"];
    /// A font and its size.
    FONT: ["set '{x}' in the {s} {o} {a}", "use the {s} {o} {a} for '{x}'", "change '{x}' to the {s} {o} with size {a}", "give '{x}' the {s} {o} of size {a}"],
        ["'{x}' should be in the {s} {o} {a}", "for '{x}' use the {s} {o} {a}"];
    /// Something of a whole paragraph.
    PARAGRAPH: ["{s} the paragraph with '{x}'", "make the paragraph of '{x}' {s}", "apply {s} to the paragraph with '{x}'", "use {s} where '{x}' stands", "select '{x}' and apply {s}"],
        ["the paragraph that has '{x}' should be {s}", "please apply {s} at '{x}'"];
    /// Something of several paragraphs.
    PARAGRAPHS: ["make paragraphs {a} to {b} {s}", "apply {s} to paragraphs {a} to {b}", "set paragraphs {a} to {b} to {s}", "use {s} from paragraph {a} to paragraph {b}"],
        ["paragraphs {a} to {b} should be {s}", "please put paragraphs {a} to {b} in {s}"];
    /// Something turned on.
    COMMAND: ["turn on the {s}", "switch on the {s}", "i need the {s}", "start the {s}", "use the {s}"],
        ["activate the {s} for this document", "could you turn the {s} on", "the {s} should be on"];
    /// Something done once.
    RUN: ["run the {s}", "do the {s}", "i need the {s}", "start the {s}", "use the {s}"],
        ["please do a {s} of this document", "could you run the {s} now"];
    /// An option of the document.
    OPTION: ["set the {s} to {o}", "change the {s} to {o}", "choose {o} for the {s}", "use {o} as the {s}", "pick {o} for the {s}", "i need {o} as the {s}"],
        ["the {s} must be {o}", "switch the {s} to {o}", "please make the {s} {o}"];
    /// Something inserted, by kind.
    OBJECT: ["insert the {s} {o}", "add the {s} {o}", "put the {s} {o} in the document", "i need the {s} {o}", "create the {s} {o}"],
        ["the document needs the {s} {o}", "place the {s} {o} in the document", "please add {o} as {s}"];
    /// Something inserted.
    THING: ["insert a {s}", "add a {s}", "put a {s} in the document", "i need a {s}", "create a {s}"],
        ["the document needs a {s}", "place a {s} in the document"];
    /// Something inserted with a text.
    SAYING: ["add the {s} '{y}'", "insert a {s} saying '{y}'", "put '{y}' in the {s}", "create the {s} '{y}'", "write '{y}' as the {s}"],
        ["we need a {s} saying '{y}'", "the {s} should be '{y}'", "please use '{y}' as the {s}"];
    /// Something attached to text.
    ATTACH: ["add the {s} '{y}' to '{x}'", "attach the {s} '{y}' to '{x}'", "on '{x}' insert the {s} '{y}'", "give '{x}' the {s} '{y}'", "select '{x}' and add the {s} '{y}'"],
        ["'{x}' needs the {s} '{y}'", "place the {s} '{y}' at '{x}'", "the {s} '{y}' should be on '{x}'"];
    /// A table.
    TABLE: ["insert a {s} with {a} rows and {b} columns", "add a {s} of {a} rows and {b} columns", "create a {a} by {b} {s}", "i need a {s} of {a} by {b}"],
        ["put in a {s} that has {a} rows and {b} columns", "the document needs a {a} by {b} {s}"];
    /// A numbered thing removed.
    NUMBERED: ["delete {s} {a}", "remove {s} {a}", "erase {s} {a}", "delete the {s} number {a}"],
        ["please delete the {s} {a}", "{s} {a} should be removed"];
    /// A row or column of a table.
    GROW: ["use {o} in table {a}", "apply {o} to table {a}", "add to table {a} with {o}", "select table {a} and click {o}"],
        ["table {a} needs {o}", "please do {o} in table {a}"];
    /// Text removed.
    DELETE: ["{s} '{x}'", "{s} the text '{x}'", "select and {s} '{x}'", "{s} the words '{x}' from the document"],
        ["please {s} what says '{x}'", "i want to {s} the text '{x}'"];
    /// Text replaced, everywhere.
    REPLACE: ["{s} '{x}' with '{y}'", "{s} every '{x}' with '{y}'", "find '{x}' and {s} it with '{y}'", "{s} all '{x}' with '{y}'"],
        ["where '{x}' stands {s} it with '{y}'", "please {s} the words '{x}' with '{y}'"];
    /// Text typed over.
    RETYPE: ["{s} '{x}' as '{y}'", "select '{x}' and {s} it as '{y}'", "{s} the words '{x}' as '{y}'", "{s} '{x}' to say '{y}'"],
        ["please {s} what says '{x}' as '{y}'", "'{x}' is wrong , {s} it as '{y}'"];
    /// Text copied to the end.
    DUPLICATE: ["{s} '{x}' to the end", "{s} the text '{x}' to the end of the document", "select '{x}' and {s} it to the end", "{s} the words '{x}' at the end"],
        ["at the end {s} '{x}'", "please {s} what says '{x}' to the end"];
    /// Text added at the end.
    APPEND: ["{s} '{y}' at the end", "{s} the text '{y}' to the document", "at the end of the document {s} '{y}'", "{s} a paragraph that says '{y}'"],
        ["please {s} '{y}' after the last paragraph", "the document should end with '{y}' , {s} it"];
    /// The last change taken back.
    UNDO: ["{s} the last change", "{s} the last edit", "please {s} it", "{s} what was done"],
        ["i want to {s} the last change", "could you {s} the last edit"];
    /// The view moved.
    SCROLL: ["{s} {o} by {a}", "{s} {o} {a} lines", "{s} the document {o} by {a}", "{s} the page {o} {a} times"],
        ["please {s} {a} lines {o}", "i want to {s} {o} by {a}"];
    /// A margin of one side.
    SIDE: ["set the {o} {s} to {a}", "change the {o} {s} to {a}", "make the {o} {s} {a}", "use {a} for the {o} {s}"],
        ["the {o} {s} must be {a}", "please put the {o} {s} at {a}"];
    /// A file written.
    SAVE: ["{s} the document as '{y}' in {o} format", "{s} it as '{y}' of type {o}", "{s} the file '{y}' as {o}", "{s} this as a {o} file named '{y}'"],
        ["please {s} a {o} file called '{y}'", "i want to {s} '{y}' as {o}"];
    /// Several parts: the joints between them.
    JOINED: [" and then ", " , then ", " and "], [" , after that ", " , next "];
}
