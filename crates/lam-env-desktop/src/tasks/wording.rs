//! The templates in which requests are worded, shared by families of the same shape.
//!
//! The first list is that of training, the second that of the validation set, the third is kept for the test set; no
//! sentence stands in two of them. The first sentence is an imperative: documentation uses it.

use lam_tasks::wordings;

wordings! {
    /// A format of some text.
    MARK: ["make '{x}' {s}", "apply {s} to '{x}'", "set '{x}' in {s}", "use {s} for the words '{x}'",
        "select '{x}' and apply {s}"],
        ["let '{x}' have {s}", "put {s} on '{x}'"],
        ["the words '{x}' should be {s}", "i would like {s} on '{x}'"];
    /// A format taken away from some text.
    UNMARK: ["remove {s} from '{x}'", "take {s} off '{x}'", "turn off {s} for '{x}'", "select '{x}' and remove {s}"],
        ["let '{x}' be without {s}", "{s} has to go from '{x}'"],
        ["'{x}' should not have {s}", "i do not want {s} on '{x}'"];
    /// A value for some text.
    VALUE: ["set the {s} of '{x}' to {o}", "change the {s} of '{x}' to {o}", "use {o} as the {s} of '{x}'",
        "give '{x}' the {s} {o}"],
        ["let the {s} of '{x}' be {o}", "pick {o} for the {s} of '{x}'"],
        ["for '{x}' the {s} has to be {o}", "'{x}' should have {o} as its {s}"];
    /// A number for some text.
    AMOUNT: ["set the {s} of '{x}' to {a}", "change the {s} of '{x}' to {a}", "use {a} as the {s} of '{x}'",
        "give '{x}' a {s} of {a}"],
        ["let the {s} of '{x}' be {a}", "pick {a} for the {s} of '{x}'"],
        ["for '{x}' the {s} has to be {a}", "'{x}' should have a {s} of {a}"];
    /// A font and its size.
    FONT: ["set '{x}' in the {s} {o} {a}", "use the {s} {o} {a} for '{x}'", "change '{x}' to the {s} {o} at {a}",
        "give '{x}' the {s} {o} at size {a}"],
        ["let '{x}' have the {s} {o} {a}", "pick the {s} {o} {a} for '{x}'"],
        ["'{x}' should be in the {s} {o} {a}", "for '{x}' i want the {s} {o} {a}"];
    /// Something of a whole paragraph.
    PARAGRAPH: ["make the paragraph with '{x}' {s}", "apply {s} to the paragraph with '{x}'",
        "use {s} where '{x}' stands", "the paragraph of '{x}' : {s}"],
        ["let the paragraph with '{x}' have {s}", "where '{x}' stands i need {s}"],
        ["the paragraph that holds '{x}' should be {s}", "please put {s} on the paragraph with '{x}'"];
    /// Something taken away from a whole paragraph.
    UNPARAGRAPH: ["remove {s} from the paragraph with '{x}'", "take {s} off the paragraph with '{x}'",
        "the paragraph of '{x}' : no {s}"],
        ["let the paragraph with '{x}' be without {s}", "where '{x}' stands i need no {s}"],
        ["the paragraph that holds '{x}' should have no {s}", "please drop {s} where '{x}' stands"];
    /// A value of a whole paragraph.
    PARAGRAPH_VALUE: ["set the {s} of the paragraph with '{x}' to {o}", "use {s} {o} for the paragraph with '{x}'",
        "give the paragraph with '{x}' the {s} {o}", "where '{x}' stands change the {s} to {o}"],
        ["let the {s} of the paragraph with '{x}' be {o}", "where '{x}' stands pick {o} for the {s}"],
        ["the paragraph that holds '{x}' should have {s} {o}", "for the paragraph of '{x}' the {s} has to be {o}"];
    /// A length of a whole paragraph.
    PARAGRAPH_LENGTH: ["set the {s} of the paragraph with '{x}' to {a} inches",
        "use a {s} of {a} inches for the paragraph with '{x}'", "where '{x}' stands change the {s} to {a} inches"],
        ["let the {s} of the paragraph with '{x}' be {a} inches", "where '{x}' stands i need a {s} of {a} inches"],
        ["the paragraph that holds '{x}' should have a {s} of {a} inches",
            "for the paragraph of '{x}' the {s} has to be {a} inches"];
    /// Something of several paragraphs.
    PARAGRAPHS: ["make paragraphs {a} to {b} {s}", "apply {s} to paragraphs {a} to {b}",
        "set paragraphs {a} to {b} to {s}", "use {s} from paragraph {a} to paragraph {b}"],
        ["let paragraphs {a} to {b} have {s}", "from paragraph {a} to {b} i need {s}"],
        ["paragraphs {a} to {b} should be {s}", "please put {s} on paragraphs {a} to {b}"];
    /// Something of the whole document.
    WHOLE: ["make the whole document {s}", "apply {s} to everything", "use {s} for all paragraphs",
        "set all of the text to {s}"],
        ["let the whole document have {s}", "i need {s} in every paragraph"],
        ["the whole text should be {s}", "please put {s} on every paragraph"];
    /// Something turned on.
    SWITCH: ["turn on {s}", "switch on {s}", "start {s}", "use {s} in this document"],
        ["let {s} be on", "from now on i need {s}"],
        ["{s} should be on", "i want {s} to be active"];
    /// Something turned off.
    UNSWITCH: ["turn off {s}", "switch off {s}", "stop {s}", "end {s} in this document"],
        ["let {s} be off", "from now on i need no {s}"],
        ["{s} should be off", "i do not want {s} any more"];
    /// A value of the page.
    OPTION: ["set the {s} to {o}", "change the {s} to {o}", "use {o} as the {s}", "choose {o} for the {s}"],
        ["let the {s} be {o}", "pick {o} as the {s}"],
        ["the {s} has to be {o}", "please make the {s} {o}"];
    /// A number of the page.
    NUMBER: ["set the {s} to {a}", "change the {s} to {a}", "use {a} as the {s}", "make the {s} {a}"],
        ["let the {s} be {a}", "pick {a} as the {s}"],
        ["the {s} has to be {a}", "please put the {s} at {a}"];
    /// A length of the page.
    LENGTH: ["set the {s} to {a} inches", "change the {s} to {a} inches", "use {a} inches as the {s}",
        "make the {s} {a} inches"],
        ["let the {s} be {a} inches", "pick {a} inches as the {s}"],
        ["the {s} has to be {a} inches", "please put the {s} at {a} inches"];
    /// Something that says a text.
    SAYING: ["add the {s} '{y}'", "insert a {s} that says '{y}'", "put '{y}' in the {s}", "write '{y}' as the {s}"],
        ["let the {s} say '{y}'", "make '{y}' the {s}"],
        ["we need a {s} with '{y}'", "the {s} should be '{y}'"];
    /// Something attached to text.
    ATTACH: ["add the {s} '{y}' to '{x}'", "attach the {s} '{y}' to '{x}'", "give '{x}' the {s} '{y}'",
        "select '{x}' and add the {s} '{y}'"],
        ["let '{x}' have the {s} '{y}'", "for '{x}' i need the {s} '{y}'"],
        ["'{x}' needs the {s} '{y}'", "the {s} '{y}' should stand at '{x}'"];
    /// Something inserted once.
    THING: ["insert a {s}", "add a {s}", "put a {s} in the document", "create a {s}"],
        ["let the document have a {s}", "i need a {s} in the document"],
        ["the document needs a {s}", "i would like to have a {s}"];
    /// Something inserted before a paragraph.
    BEFORE: ["insert a {s} before '{x}'", "put a {s} in front of '{x}'", "add a {s} before the paragraph with '{x}'",
        "start '{x}' with a {s}"],
        ["let a {s} stand before '{x}'", "before '{x}' i need a {s}"],
        ["there should be a {s} before '{x}'", "'{x}' needs a {s} in front of it"];
    /// Something inserted behind a paragraph.
    BEHIND: ["insert a {s} after '{x}'", "put a {s} behind '{x}'", "add a {s} to the end of '{x}'",
        "end '{x}' with a {s}"],
        ["let a {s} stand after '{x}'", "after '{x}' i need a {s}"],
        ["there should be a {s} after '{x}'", "'{x}' needs a {s} behind it"];
    /// One of several things inserted behind a paragraph.
    FIELD: ["insert the {s} {o} after '{x}'", "put the {s} {o} behind '{x}'", "add the {s} {o} to the end of '{x}'"],
        ["let the {s} {o} stand after '{x}'", "after '{x}' i need the {s} {o}"],
        ["there should be the {s} {o} after '{x}'", "'{x}' needs the {s} {o} behind it"];
    /// A table before a paragraph.
    TABLE: ["insert a {s} with {a} rows and {b} columns before '{x}'",
        "add a {s} of {a} rows and {b} columns before '{x}'", "put a {a} by {b} {s} in front of '{x}'"],
        ["let a {s} of {a} rows and {b} columns stand before '{x}'", "before '{x}' i need a {a} by {b} {s}"],
        ["before '{x}' there should be a {s} that has {a} rows and {b} columns",
            "'{x}' needs a {a} by {b} {s} in front of it"];
    /// Something done to a table at one of its cells.
    CELL: ["{s} at the cell '{x}'", "go to the cell '{x}' and {s}", "in the table {s} where '{x}' stands",
        "{s} , the cell is '{x}'"],
        ["at the cell '{x}' {s}", "take the cell '{x}' and {s}"],
        ["i want to {s} at the cell with '{x}'", "please {s} at '{x}' in the table"];
    /// Text removed.
    DELETE: ["{s} '{x}'", "{s} the words '{x}'", "select and {s} '{x}'", "{s} '{x}' from the document"],
        ["let me {s} '{x}'", "take '{x}' and {s} it"],
        ["please {s} what says '{x}'", "i want to {s} the text '{x}'"];
    /// Text replaced everywhere.
    REPLACE: ["{s} '{x}' with '{y}'", "{s} every '{x}' with '{y}'", "find '{x}' and {s} it with '{y}'",
        "{s} all '{x}' with '{y}'"],
        ["let me {s} '{x}' with '{y}'", "take '{x}' and {s} it with '{y}'"],
        ["where '{x}' stands {s} it with '{y}'", "please {s} the word '{x}' with '{y}'"];
    /// Text typed over.
    RETYPE: ["{s} '{x}' as '{y}'", "select '{x}' and {s} it as '{y}'", "{s} the words '{x}' to say '{y}'"],
        ["let me {s} '{x}' as '{y}'", "take '{x}' and {s} it as '{y}'"],
        ["please {s} what says '{x}' as '{y}'", "'{x}' is wrong , {s} it as '{y}'"];
    /// Text added behind a paragraph.
    APPEND: ["{s} '{y}' after '{x}'", "{s} '{y}' to the end of '{x}'", "behind '{x}' {s} '{y}'"],
        ["let me {s} '{y}' after '{x}'", "at the end of '{x}' {s} '{y}'"],
        ["please {s} '{y}' behind the paragraph '{x}'", "'{x}' should go on with '{y}' , {s} it"];
    /// A last paragraph.
    LAST: ["{s} '{y}' as the last paragraph", "{s} a last paragraph that says '{y}'",
        "at the end of the document {s} '{y}'"],
        ["let me {s} '{y}' as the last paragraph", "below the last paragraph {s} '{y}'"],
        ["please {s} '{y}' after the last paragraph", "the document should end with '{y}' , {s} it"];
    /// Letters changed.
    LETTERS: ["write '{x}' in {s}", "change '{x}' to {s}", "put the words '{x}' in {s}", "select '{x}' and use {s}"],
        ["let '{x}' be in {s}", "take '{x}' and use {s}"],
        ["'{x}' should be written in {s}", "i would like to see '{x}' in {s}"];
    /// A file written.
    SAVE: ["{s} the document as '{y}' in {o} format", "{s} it as '{y}' of type {o}", "{s} a {o} file named '{y}'"],
        ["let me {s} '{y}' as a {o} file", "a {o} file named '{y}' is needed , {s} it"],
        ["please {s} a {o} file called '{y}'", "i want to {s} '{y}' as {o}"];
    /// Two numbers.
    SUM: ["{s} {a} and {b}", "{s} the numbers {a} and {b}", "what comes out when you {s} {a} and {b}"],
        ["let me {s} {a} and {b}", "now {s} {a} and {b}"],
        ["please {s} {a} and {b} for me", "i have to {s} {a} and {b}"];
}
