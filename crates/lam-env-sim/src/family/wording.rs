//! The templates in which requests are worded, shared by families of the same shape.
//!
//! The first list is that of training, the second that of the validation set, the third is kept for the test set; no
//! sentence stands in two of them. The words of the second are known from elsewhere in the application's vocabulary.

use lam_tasks::wordings;

wordings! {
    /// A format of some text.
    MARK: [
        "make '{x}' {s}", "apply {s} to '{x}'", "set the text '{x}' to {s}", "use {s} for '{x}'",
        "select '{x}' and apply {s}", "{s} for the words '{x}'", "turn '{x}' into {s}", "i would like {s} on '{x}'",
        "can you do {s} for the part '{x}'", "'{x}' in {s}", "show '{x}' as {s}", "how do i get '{x}' {s}",
    ], ["let '{x}' have {s}", "put {s} on the words '{x}'"],
        ["please give '{x}' the {s} format", "'{x}' should be {s}", "i want the text '{x}' to be {s}"];
    /// Formats removed from some text.
    CLEAR: [
        "{s} the formatting of '{x}'", "{s} all formats of '{x}'", "select '{x}' and {s} its formatting",
        "{s} the format of the words '{x}'", "can you {s} the formatting on '{x}'", "on '{x}' {s} the formatting",
        "find '{x}' and {s} its formatting", "how do i {s} the formatting of the part '{x}'",
    ], ["let me {s} the formatting of '{x}'", "take '{x}' and {s} its formatting"],
        ["i want to {s} the formatting of '{x}'", "please {s} every format of '{x}'"];
    /// Text marked for the index.
    ENTRY: [
        "mark '{x}' as an {s}", "make '{x}' an {s}", "add the {s} '{x}'", "select '{x}' and mark it as an {s}",
        "'{x}' as an {s}", "can you put an {s} on '{x}'", "i would like an {s} for '{x}'",
        "find '{x}' and make it an {s}",
    ], ["let '{x}' be an {s}", "i need an {s} for '{x}'"],
        ["'{x}' should be an {s}", "please mark the words '{x}' as an {s}"];
    /// A value for some text.
    VALUE: [
        "set the {s} of '{x}' to {o}", "change '{x}' to {o} {s}", "use {o} as the {s} of '{x}'",
        "give '{x}' the {s} {o}", "select '{x}' and set the {s} to {o}", "'{x}' with {o} as its {s}",
        "{s} {o} for '{x}'", "i would like {o} as the {s} for '{x}'", "can you make the {s} of '{x}' {o}",
        "on '{x}' choose {o} for the {s}", "how do i get {o} {s} for the part '{x}'",
    ], ["let '{x}' have the {s} {o}", "pick {o} as the {s} for '{x}'"],
        ["for '{x}' the {s} must be {o}", "put the {s} {o} on '{x}'", "'{x}' should have {o} as the {s}"];
    /// A number for some text.
    AMOUNT: [
        "set the {s} of '{x}' to {a}", "change '{x}' to {s} {a}", "use {a} as the {s} of '{x}'",
        "give '{x}' a {s} of {a}", "select '{x}' and set the {s} to {a}", "'{x}' with {a} as its {s}",
        "{s} {a} for '{x}'", "i would like {a} as the {s} for '{x}'", "can you make the {s} of '{x}' {a}",
        "on '{x}' choose {a} for the {s}", "how do i get {s} {a} for the part '{x}'",
    ], ["let '{x}' have the {s} {a}", "pick {a} as the {s} for '{x}'"],
        ["for '{x}' the {s} must be {a}", "put the {s} {a} on '{x}'", "'{x}' should have {a} as the {s}"];
    /// A font and its size.
    FONT: [
        "set '{x}' in the {s} {o} {a}", "use the {s} {o} {a} for '{x}'", "change '{x}' to the {s} {o} with size {a}",
        "give '{x}' the {s} {o} of size {a}", "the {s} of '{x}' to {o} {a}", "{o} {a} as the {s} for '{x}'",
        "choose the {s} {o} at {a} for '{x}'", "can you change the {s} of '{x}' to {o} with {a}",
    ], ["let '{x}' have the {s} {o} {a}", "i would like '{x}' in the {s} {o} {a}"],
        ["'{x}' should be in the {s} {o} {a}", "for '{x}' use the {s} {o} {a}"];
    /// Something of a whole paragraph.
    PARAGRAPH: [
        "{s} the paragraph with '{x}'", "make the paragraph of '{x}' {s}", "apply {s} to the paragraph with '{x}'",
        "use {s} where '{x}' stands", "select '{x}' and apply {s}", "turn the paragraph that holds '{x}' into {s}",
        "i would like {s} around '{x}'", "can you do {s} for the paragraph of '{x}'",
        "show the paragraph with '{x}' as {s}", "choose {s} for the lines with '{x}'",
        "how do i get the paragraph of '{x}' {s}",
    ], ["let the paragraph of '{x}' have {s}", "i need {s} for the lines of '{x}'"],
        ["the paragraph that has '{x}' should be {s}", "please apply {s} at '{x}'"];
    /// Something of several paragraphs.
    PARAGRAPHS: [
        "make paragraphs {a} to {b} {s}", "apply {s} to paragraphs {a} to {b}", "set paragraphs {a} to {b} to {s}",
        "use {s} from paragraph {a} to paragraph {b}", "turn paragraphs {a} to {b} into {s}",
        "can you do {s} for paragraphs {a} to {b}", "i would like {s} on paragraphs {a} to {b}",
        "choose {s} for paragraph {a} through paragraph {b}",
    ], ["let paragraphs {a} to {b} have {s}", "i need {s} for paragraphs {a} through {b}"],
        ["paragraphs {a} to {b} should be {s}", "please put paragraphs {a} to {b} in {s}"];
    /// Something turned on.
    COMMAND: [
        "turn on the {s}", "switch on the {s}", "i need the {s}", "start the {s}", "use the {s}",
        "can you switch on the {s}", "i would like to use the {s}", "enable the {s}", "let me have the {s}",
        "show the {s}", "how do i turn on the {s}",
    ], ["let the {s} be on", "can i have the {s}"],
        ["activate the {s} for this document", "could you turn the {s} on", "the {s} should be on"];
    /// Something done once.
    RUN: [
        "run the {s}", "do the {s}", "i need the {s}", "start the {s}", "use the {s}", "can you start the {s}",
        "i would like a {s}", "let me have a {s}", "make a {s}", "how do i do the {s}",
    ], ["let the {s} start", "can i have a {s}"],
        ["please do a {s} of this document", "could you run the {s} now"];
    /// An option of the document.
    OPTION: [
        "set the {s} to {o}", "change the {s} to {o}", "choose {o} for the {s}", "use {o} as the {s}",
        "pick {o} for the {s}", "i need {o} as the {s}", "let the {s} be {o}", "i would like {o} as the {s}",
        "can you set {o} as the {s}", "{o} for the {s}", "turn the {s} into {o}", "how do i get the {s} {o}",
    ], ["let {o} be the {s}", "have {o} as the {s}"],
        ["the {s} must be {o}", "switch the {s} to {o}", "please make the {s} {o}"];
    /// Something inserted, by kind.
    OBJECT: [
        "insert the {s} {o}", "add the {s} {o}", "put the {s} {o} in the document", "i need the {s} {o}",
        "create the {s} {o}", "i would like the {s} {o}", "can you insert {o} as the {s}", "have the {s} {o} here",
        "use {o} as the {s}", "bring in the {s} {o}", "how do i get the {s} {o}",
    ], ["let the document have the {s} {o}", "can you bring in the {s} {o}"],
        ["the document needs the {s} {o}", "place the {s} {o} in the document", "please add {o} as {s}"];
    /// Something inserted.
    THING: [
        "insert a {s}", "add a {s}", "put a {s} in the document", "i need a {s}", "create a {s}",
        "i would like a {s}", "can you insert a {s}", "have a {s} here", "bring in a {s}", "how do i get a {s}",
    ], ["let the document have a {s}", "can i have a {s} here"],
        ["the document needs a {s}", "place a {s} in the document"];
    /// Something inserted with a text.
    SAYING: [
        "add the {s} '{y}'", "insert a {s} saying '{y}'", "put '{y}' in the {s}", "create the {s} '{y}'",
        "write '{y}' as the {s}", "have the {s} say '{y}'", "i would like the {s} '{y}'",
        "can you add '{y}' as the {s}", "set '{y}' for the {s}", "let the {s} be '{y}'", "how do i get the {s} '{y}'",
    ], ["let the document have the {s} '{y}'", "make '{y}' the {s}"],
        ["we need a {s} saying '{y}'", "the {s} should be '{y}'", "please use '{y}' as the {s}"];
    /// Something attached to text.
    ATTACH: [
        "add the {s} '{y}' to '{x}'", "attach the {s} '{y}' to '{x}'", "on '{x}' insert the {s} '{y}'",
        "give '{x}' the {s} '{y}'", "select '{x}' and add the {s} '{y}'", "for the words '{x}' create the {s} '{y}'",
        "i would like '{x}' with the {s} '{y}'", "can you add the {s} '{y}' for '{x}'",
        "use '{y}' as the {s} of '{x}'", "let '{x}' have the {s} '{y}'", "how do i get the {s} '{y}' for '{x}'",
    ], ["put the {s} '{y}' on '{x}'", "i need the {s} '{y}' for '{x}'"],
        ["'{x}' needs the {s} '{y}'", "place the {s} '{y}' at '{x}'", "the {s} '{y}' should be on '{x}'"];
    /// A table.
    TABLE: [
        "insert a {s} with {a} rows and {b} columns", "add a {s} of {a} rows and {b} columns",
        "create a {a} by {b} {s}", "i need a {s} of {a} by {b}", "can you make a {s} with {a} rows and {b} columns",
        "i would like a {a} by {b} {s}", "have a {s} of {a} rows by {b} columns", "bring in a {s} , {a} by {b}",
    ], ["let the document have a {s} with {a} rows and {b} columns", "make a {a} by {b} {s}"],
        ["put in a {s} that has {a} rows and {b} columns", "the document needs a {a} by {b} {s}"];
    /// A numbered thing removed.
    NUMBERED: [
        "delete {s} {a}", "remove {s} {a}", "erase {s} {a}", "delete the {s} number {a}", "can you delete {s} {a}",
        "get rid of {s} {a}", "take {s} {a} out of the document", "i would like {s} {a} gone",
    ], ["i would like to delete {s} {a}", "have {s} {a} removed"],
        ["please delete the {s} {a}", "{s} {a} should be removed"];
    /// A row or column of a table.
    GROW: [
        "use {o} in table {a}", "apply {o} to table {a}", "add to table {a} with {o}",
        "select table {a} and click {o}", "can you do {o} for table {a}", "i would like {o} on table {a}",
        "let table {a} have {o}", "in table {a} choose {o}",
    ], ["for table {a} use {o}", "i need {o} in table {a}"],
        ["table {a} needs {o}", "please do {o} in table {a}"];
    /// Text removed.
    DELETE: [
        "{s} '{x}'", "{s} the text '{x}'", "select and {s} '{x}'", "{s} the words '{x}' from the document",
        "can you {s} '{x}'", "i would like to {s} '{x}'", "find '{x}' and {s} it", "how do i {s} the part '{x}'",
    ], ["let me {s} '{x}'", "take '{x}' and {s} it"],
        ["please {s} what says '{x}'", "i want to {s} the text '{x}'"];
    /// Text replaced, everywhere.
    REPLACE: [
        "{s} '{x}' with '{y}'", "{s} every '{x}' with '{y}'", "find '{x}' and {s} it with '{y}'",
        "{s} all '{x}' with '{y}'", "can you {s} '{x}' with '{y}'", "i would like to {s} '{x}' with '{y}'",
        "{s} the text '{x}' with '{y}' everywhere", "how do i {s} '{x}' with '{y}'",
    ], ["let me {s} '{x}' with '{y}'", "take '{x}' and {s} it with '{y}'"],
        ["where '{x}' stands {s} it with '{y}'", "please {s} the words '{x}' with '{y}'"];
    /// Text typed over.
    RETYPE: [
        "{s} '{x}' as '{y}'", "select '{x}' and {s} it as '{y}'", "{s} the words '{x}' as '{y}'",
        "{s} '{x}' to say '{y}'", "can you {s} '{x}' as '{y}'", "i would like to {s} '{x}' as '{y}'",
        "find '{x}' and {s} it as '{y}'", "{s} the part '{x}' so that it is '{y}'",
    ], ["let me {s} '{x}' as '{y}'", "take '{x}' and {s} it as '{y}'"],
        ["please {s} what says '{x}' as '{y}'", "'{x}' is wrong , {s} it as '{y}'"];
    /// Text copied to the end.
    DUPLICATE: [
        "{s} '{x}' to the end", "{s} the text '{x}' to the end of the document", "select '{x}' and {s} it to the end",
        "{s} the words '{x}' at the end", "can you {s} '{x}' to the end", "i would like to {s} '{x}' to the end",
        "find '{x}' and {s} it at the end", "{s} the part '{x}' below the last line",
    ], ["let me {s} '{x}' to the end", "take '{x}' and {s} it at the end"],
        ["at the end {s} '{x}'", "please {s} what says '{x}' to the end"];
    /// Text added at the end.
    APPEND: [
        "{s} '{y}' at the end", "{s} the text '{y}' to the document", "at the end of the document {s} '{y}'",
        "{s} a paragraph that says '{y}'", "can you {s} '{y}' at the end", "i would like to {s} '{y}' below the text",
        "{s} the words '{y}' as the last line", "below the text {s} '{y}'",
    ], ["let me {s} '{y}' at the end", "as the last line {s} '{y}'"],
        ["please {s} '{y}' after the last paragraph", "the document should end with '{y}' , {s} it"];
    /// The last change taken back.
    UNDO: [
        "{s} the last change", "{s} the last edit", "please {s} it", "{s} what was done", "can you {s} my last step",
        "i would like to {s} that", "that was wrong , {s} it", "how do i {s} an edit",
    ], ["let me {s} the last step", "my last edit was wrong , {s} it"],
        ["i want to {s} the last change", "could you {s} the last edit"];
    /// The view moved.
    SCROLL: [
        "{s} {o} by {a}", "{s} {o} {a} lines", "{s} the document {o} by {a}", "{s} the page {o} {a} times",
        "can you {s} {o} by {a}", "i would like to {s} {o} {a} lines", "{s} the text {o} by {a} lines",
        "{o} by {a} , {s} there",
    ], ["let me {s} {o} by {a}", "{a} lines {o} , {s} there"],
        ["please {s} {a} lines {o}", "i want to {s} {o} by {a}"];
    /// A margin of one side.
    SIDE: [
        "set the {o} {s} to {a}", "change the {o} {s} to {a}", "make the {o} {s} {a}", "use {a} for the {o} {s}",
        "let the {o} {s} be {a}", "i would like {a} for the {o} {s}", "can you set the {o} {s} to {a}",
        "have {a} as the {o} {s}",
    ], ["let {a} be the {o} {s}", "pick {a} for the {o} {s}"],
        ["the {o} {s} must be {a}", "please put the {o} {s} at {a}"];
    /// A file written.
    SAVE: [
        "{s} the document as '{y}' in {o} format", "{s} it as '{y}' of type {o}", "{s} the file '{y}' as {o}",
        "{s} this as a {o} file named '{y}'", "can you {s} the document as '{y}' in {o}", "{s} '{y}' in {o} format",
        "i would like to {s} it as a {o} file named '{y}'", "the document as '{y}' , {s} it in {o}",
    ], ["let me {s} '{y}' as a {o} file", "a {o} file named '{y}' , {s} it"],
        ["please {s} a {o} file called '{y}'", "i want to {s} '{y}' as {o}"];
    /// Several parts: the joints between them.
    JOINED: [
        " and then ", " , then ", " and ", " ; then ", " , also ", " , and also ",
    ], [" ; and ", " ; also "],
        [" , after that ", " , next "];
}
