//! The templates in which requests are worded, shared by families of the same shape.
//!
//! The first list is that of training, the second that of the validation set, the third is kept for the test set; no
//! sentence stands in two of them. The first sentence is an imperative: documentation uses it.

use lam_tasks::wordings;

wordings! {
    /// A format of some text.
    MARK: ["make '{x}' {s}", "apply {s} to '{x}'", "set '{x}' in {s}", "use {s} for the words '{x}'",
        "select '{x}' and apply {s}", "{s} for '{x}'", "'{x}' should be shown with {s}",
        "the words '{x}' have to be in {s}", "for the part '{x}' please choose {s}", "how do i get {s} for '{x}'",
        "format the text '{x}' with {s}"],
        ["let '{x}' have {s}", "put {s} on '{x}'"],
        ["the words '{x}' should be {s}", "i would like {s} on '{x}'"];
    /// A format taken away from some text.
    UNMARK: ["remove {s} from '{x}'", "take {s} off '{x}'", "turn off {s} for '{x}'", "select '{x}' and remove {s}",
        "'{x}' should lose {s}", "{s} must go away from '{x}'", "can you clear {s} from '{x}'",
        "i no longer want {s} on '{x}'", "for the part '{x}' please drop {s}", "strip the words '{x}' of {s}",
        "how do i get rid of {s} on '{x}'", "cancel {s} for the words '{x}'"],
        ["let '{x}' be without {s}", "{s} has to go from '{x}'"],
        ["'{x}' should not have {s}", "i do not want {s} on '{x}'"];
    /// A value for some text.
    VALUE: ["set the {s} of '{x}' to {o}", "change the {s} of '{x}' to {o}", "use {o} as the {s} of '{x}'",
        "give '{x}' the {s} {o}", "could you switch the {s} of '{x}' to {o}", "i would like '{x}' to use the {s} {o}",
        "{o} is the {s} i want for '{x}'", "for the words '{x}' please choose {o} as the {s}",
        "how do i get {o} as the {s} for '{x}'", "{s} of '{x}' : {o}"],
        ["let the {s} of '{x}' be {o}", "pick {o} for the {s} of '{x}'"],
        ["for '{x}' the {s} has to be {o}", "'{x}' should have {o} as its {s}"];
    /// A number for some text.
    AMOUNT: ["set the {s} of '{x}' to {a}", "change the {s} of '{x}' to {a}", "use {a} as the {s} of '{x}'",
        "give '{x}' a {s} of {a}", "can you bring the {s} of '{x}' to {a}", "i want a {s} of {a} for '{x}'",
        "{a} should be the {s} of the words '{x}'", "{s} {a} for '{x}'", "for the part '{x}' please pick a {s} of {a}",
        "the words '{x}' are hard to read , put their {s} at {a}"],
        ["let the {s} of '{x}' be {a}", "pick {a} for the {s} of '{x}'"],
        ["for '{x}' the {s} has to be {a}", "'{x}' should have a {s} of {a}"];
    /// A font and its size.
    FONT: ["set '{x}' in the {s} {o} {a}", "use the {s} {o} {a} for '{x}'", "change '{x}' to the {s} {o} at {a}",
        "give '{x}' the {s} {o} at size {a}", "can you show '{x}' in the {s} {o} at {a} points",
        "i would like the {s} {o} in size {a} for '{x}'", "{s} {o} , size {a} , for '{x}'",
        "the {s} of '{x}' has to be {o} at size {a}", "{o} {a} is the {s} to use for '{x}'",
        "for the words '{x}' please choose size {a} of the {s} {o}", "how do i format '{x}' with the {s} {o} {a}"],
        ["let '{x}' have the {s} {o} {a}", "pick the {s} {o} {a} for '{x}'"],
        ["'{x}' should be in the {s} {o} {a}", "for '{x}' i want the {s} {o} {a}"];
    /// Something of a whole paragraph.
    PARAGRAPH: ["make the paragraph with '{x}' {s}", "apply {s} to the paragraph with '{x}'",
        "use {s} where '{x}' stands", "the paragraph of '{x}' : {s}", "{s} for the paragraph with '{x}'",
        "'{x}' stands in a paragraph that should be {s}", "could you format the paragraph around '{x}' as {s}",
        "i want the paragraph that contains '{x}' to be {s}", "for the paragraph of '{x}' please choose {s}",
        "how do i set the paragraph with '{x}' as {s}", "where '{x}' is , show the whole paragraph as {s}"],
        ["let the paragraph with '{x}' have {s}", "where '{x}' stands i need {s}"],
        ["the paragraph that holds '{x}' should be {s}", "please put {s} on the paragraph with '{x}'"];
    /// Something taken away from a whole paragraph.
    UNPARAGRAPH: ["remove {s} from the paragraph with '{x}'", "take {s} off the paragraph with '{x}'",
        "the paragraph of '{x}' : no {s}", "can you get rid of {s} in the paragraph with '{x}'",
        "i no longer want {s} for the paragraph with '{x}'", "{s} must go from the paragraph with '{x}'",
        "'{x}' stands in a paragraph that should lose {s}", "for the paragraph of '{x}' please turn off {s}",
        "where '{x}' stands , clear {s} from the paragraph", "how do i undo {s} in the paragraph that contains '{x}'"],
        ["let the paragraph with '{x}' be without {s}", "where '{x}' stands i need no {s}"],
        ["the paragraph that holds '{x}' should have no {s}", "please drop {s} where '{x}' stands"];
    /// A value of a whole paragraph.
    PARAGRAPH_VALUE: ["set the {s} of the paragraph with '{x}' to {o}", "use {s} {o} for the paragraph with '{x}'",
        "give the paragraph with '{x}' the {s} {o}", "where '{x}' stands change the {s} to {o}",
        "can you change the {s} to {o} for the paragraph that contains '{x}'",
        "i would like the {s} {o} in the paragraph with '{x}'", "{s} {o} for the paragraph of '{x}'",
        "{o} is the {s} that the paragraph with '{x}' must have", "'{x}' stands in a paragraph that needs the {s} {o}",
        "how do i switch the paragraph around '{x}' to the {s} {o}"],
        ["let the {s} of the paragraph with '{x}' be {o}", "where '{x}' stands pick {o} for the {s}"],
        ["the paragraph that holds '{x}' should have {s} {o}", "for the paragraph of '{x}' the {s} has to be {o}"];
    /// A length of a whole paragraph.
    PARAGRAPH_LENGTH: ["set the {s} of the paragraph with '{x}' to {a} inches",
        "use a {s} of {a} inches for the paragraph with '{x}'", "where '{x}' stands change the {s} to {a} inches",
        "can you bring the {s} to {a} inches for the paragraph with '{x}'",
        "i want {a} inches as the {s} of the paragraph that contains '{x}'",
        "{a} inches should be the {s} of the paragraph with '{x}'", "{s} of {a} inches for the paragraph of '{x}'",
        "'{x}' stands in a paragraph that needs a {s} of {a} inches",
        "for the paragraph with '{x}' please make the {s} {a} inches",
        "how do i get the {s} of the paragraph around '{x}' to {a} inches"],
        ["let the {s} of the paragraph with '{x}' be {a} inches", "where '{x}' stands i need a {s} of {a} inches"],
        ["the paragraph that holds '{x}' should have a {s} of {a} inches",
            "for the paragraph of '{x}' the {s} has to be {a} inches"];
    /// Something of several paragraphs.
    PARAGRAPHS: ["make paragraphs {a} to {b} {s}", "apply {s} to paragraphs {a} to {b}",
        "set paragraphs {a} to {b} to {s}", "use {s} from paragraph {a} to paragraph {b}",
        "can you format paragraphs {a} through {b} as {s}", "i would like paragraphs {a} to {b} to be {s}",
        "{s} for paragraphs {a} to {b}", "{s} , from paragraph {a} up to paragraph {b}",
        "from paragraph {a} to paragraph {b} please choose {s}", "the paragraphs from {a} up to {b} have to be {s}",
        "take paragraphs {a} to {b} and show them as {s}"],
        ["let paragraphs {a} to {b} have {s}", "from paragraph {a} to {b} i need {s}"],
        ["paragraphs {a} to {b} should be {s}", "please put {s} on paragraphs {a} to {b}"];
    /// Something of the whole document.
    WHOLE: ["make the whole document {s}", "apply {s} to everything", "use {s} for all paragraphs",
        "set all of the text to {s}", "everything in the document should be {s}",
        "can you format the entire document as {s}", "i want all of the paragraphs to be {s}", "{s} for the whole text",
        "{s} , from the first paragraph to the last", "the complete document has to be {s}",
        "please choose {s} for every paragraph of the document", "how do i get {s} throughout the whole document"],
        ["let the whole document have {s}", "i need {s} in every paragraph"],
        ["the whole text should be {s}", "please put {s} on every paragraph"];
    /// Something turned on.
    SWITCH: ["turn on {s}", "switch on {s}", "start {s}", "use {s} in this document", "{s} must be active from now on",
        "can you activate {s}", "please enable {s}", "i need {s} while i work on this text",
        "this document has to have {s}", "how do i get {s} to work here"],
        ["let {s} be on", "from now on i need {s}"],
        ["{s} should be on", "i want {s} to be active"];
    /// Something turned off.
    UNSWITCH: ["turn off {s}", "switch off {s}", "stop {s}", "end {s} in this document", "{s} is no longer needed",
        "can you deactivate {s}", "i no longer want {s}", "please disable {s}", "this document must be without {s}",
        "how do i put an end to {s}", "the draft is done , so finish {s}"],
        ["let {s} be off", "from now on i need no {s}"],
        ["{s} should be off", "i do not want {s} any more"];
    /// A value of the page.
    OPTION: ["set the {s} to {o}", "change the {s} to {o}", "use {o} as the {s}", "choose {o} for the {s}",
        "{o} must be the {s}", "{s} : {o}", "can you switch the {s} to {o}",
        "i would like {o} as the {s} of this document", "how do i get {o} as the {s}"],
        ["let the {s} be {o}", "pick {o} as the {s}"],
        ["the {s} has to be {o}", "please make the {s} {o}"];
    /// A number of the page.
    NUMBER: ["set the {s} to {a}", "change the {s} to {a}", "use {a} as the {s}", "make the {s} {a}",
        "{a} for the {s} please", "{s} : {a}", "can you bring the {s} to {a}", "the {s} of the page must be {a}",
        "how do i get {a} as the {s}", "for this document please choose {a} for the {s}"],
        ["let the {s} be {a}", "pick {a} as the {s}"],
        ["the {s} has to be {a}", "please put the {s} at {a}"];
    /// A length of the page.
    LENGTH: ["set the {s} to {a} inches", "change the {s} to {a} inches", "use {a} inches as the {s}",
        "make the {s} {a} inches", "{a} inches for the {s}", "{s} : {a} inches", "can you bring the {s} to {a} inches",
        "i would like {a} inches for the {s}", "how do i get {a} inches at the {s}",
        "please leave {a} inches at the {s}"],
        ["let the {s} be {a} inches", "pick {a} inches as the {s}"],
        ["the {s} has to be {a} inches", "please put the {s} at {a} inches"];
    /// Something that says a text.
    SAYING: ["add the {s} '{y}'", "insert a {s} that says '{y}'", "put '{y}' in the {s}", "write '{y}' as the {s}",
        "'{y}' must be the {s}", "{s} : '{y}'", "can you enter '{y}' as the {s}", "i want the {s} to read '{y}'",
        "please fill the {s} with '{y}'", "how do i get '{y}' into the {s}", "this document needs the {s} '{y}'"],
        ["let the {s} say '{y}'", "make '{y}' the {s}"],
        ["we need a {s} with '{y}'", "the {s} should be '{y}'"];
    /// Something attached to text.
    ATTACH: ["add the {s} '{y}' to '{x}'", "attach the {s} '{y}' to '{x}'", "give '{x}' the {s} '{y}'",
        "select '{x}' and add the {s} '{y}'", "'{y}' has to be the {s} of '{x}'", "{s} '{y}' for '{x}'",
        "can you put the {s} '{y}' on '{x}'", "i would like the {s} '{y}' at the words '{x}'",
        "how do i get '{y}' as the {s} of '{x}'", "for the words '{x}' please create the {s} '{y}'",
        "the words '{x}' need a {s} : '{y}'"],
        ["let '{x}' have the {s} '{y}'", "for '{x}' i need the {s} '{y}'"],
        ["'{x}' needs the {s} '{y}'", "the {s} '{y}' should stand at '{x}'"];
    /// Something inserted once.
    THING: ["insert a {s}", "add a {s}", "put a {s} in the document", "create a {s}", "{s} for this document",
        "{s} , please set one up", "a {s} should be in this document", "can you give me a {s}", "how do i get a {s}",
        "please make a {s} for these pages"],
        ["let the document have a {s}", "i need a {s} in the document"],
        ["the document needs a {s}", "i would like to have a {s}"];
    /// Something inserted before a paragraph.
    BEFORE: ["insert a {s} before '{x}'", "put a {s} in front of '{x}'", "add a {s} before the paragraph with '{x}'",
        "start '{x}' with a {s}", "'{x}' should have a {s} before it", "before '{x}' there must be a {s}",
        "can you place a {s} right before '{x}'", "i want a {s} ahead of '{x}'",
        "{s} in front of the paragraph with '{x}'", "how do i get a {s} above the paragraph with '{x}'",
        "please make a {s} just before '{x}'"],
        ["let a {s} stand before '{x}'", "before '{x}' i need a {s}"],
        ["there should be a {s} before '{x}'", "'{x}' needs a {s} in front of it"];
    /// Something inserted behind a paragraph.
    BEHIND: ["insert a {s} after '{x}'", "put a {s} behind '{x}'", "add a {s} to the end of '{x}'",
        "end '{x}' with a {s}", "'{x}' should end with a {s}", "after '{x}' there must be a {s}",
        "can you place a {s} right after '{x}'", "i need a {s} behind '{x}'", "{s} after '{x}'",
        "'{x}' has to be followed by a {s}", "how do i get a {s} at the end of '{x}'", "please let a {s} follow '{x}'"],
        ["let a {s} stand after '{x}'", "after '{x}' i need a {s}"],
        ["there should be a {s} after '{x}'", "'{x}' needs a {s} behind it"];
    /// One of several things inserted behind a paragraph.
    FIELD: ["insert the {s} {o} after '{x}'", "put the {s} {o} behind '{x}'", "add the {s} {o} to the end of '{x}'",
        "'{x}' should end with the {s} {o}", "after '{x}' there must be the {s} {o}",
        "can you place the {s} {o} right after '{x}'", "i would like to see the {s} {o} behind '{x}'",
        "{s} {o} at the end of '{x}'", "{o} is the {s} to put after '{x}'", "how do i get the {s} {o} to follow '{x}'",
        "please let '{x}' be followed by the {s} {o}"],
        ["let the {s} {o} stand after '{x}'", "after '{x}' i need the {s} {o}"],
        ["there should be the {s} {o} after '{x}'", "'{x}' needs the {s} {o} behind it"];
    /// A table before a paragraph.
    TABLE: ["insert a {s} with {a} rows and {b} columns before '{x}'",
        "add a {s} of {a} rows and {b} columns before '{x}'", "put a {a} by {b} {s} in front of '{x}'",
        "'{x}' should have a {s} with {a} rows and {b} columns before it",
        "can you draw a {s} with {a} rows and {b} columns above '{x}'",
        "i want a {s} of {a} rows by {b} columns ahead of '{x}'", "{s} with {a} rows and {b} columns in front of '{x}'",
        "{a} rows and {b} columns are needed in a {s} before '{x}'",
        "how do i get a {a} by {b} {s} before the paragraph with '{x}'",
        "please make a {s} that has {a} rows and {b} columns right before '{x}'"],
        ["let a {s} of {a} rows and {b} columns stand before '{x}'", "before '{x}' i need a {a} by {b} {s}"],
        ["before '{x}' there should be a {s} that has {a} rows and {b} columns",
            "'{x}' needs a {a} by {b} {s} in front of it"];
    /// Something done to a table at one of its cells.
    CELL: ["{s} at the cell '{x}'", "go to the cell '{x}' and {s}", "in the table {s} where '{x}' stands",
        "{s} , the cell is '{x}'", "can you {s} at the cell with '{x}'", "'{x}' is the cell where you should {s}",
        "'{x}' is a cell of the table , {s} there", "how do i {s} in the table at the cell '{x}'",
        "{s} in the table , at the cell that says '{x}'", "you must {s} , starting from the cell '{x}'"],
        ["at the cell '{x}' {s}", "take the cell '{x}' and {s}"],
        ["i want to {s} at the cell with '{x}'", "please {s} at '{x}' in the table"];
    /// Text removed.
    DELETE: ["{s} '{x}'", "{s} the words '{x}'", "select and {s} '{x}'", "{s} '{x}' from the document",
        "'{x}' is wrong , please {s} it", "'{x}' is not needed , so {s} it", "can you {s} the text '{x}'",
        "you must {s} '{x}' in this document", "how do i {s} the part '{x}'",
        "the words '{x}' are too much , {s} them"],
        ["let me {s} '{x}'", "take '{x}' and {s} it"],
        ["please {s} what says '{x}'", "i want to {s} the text '{x}'"];
    /// Text replaced everywhere.
    REPLACE: ["{s} '{x}' with '{y}'", "{s} every '{x}' with '{y}'", "find '{x}' and {s} it with '{y}'",
        "{s} all '{x}' with '{y}'", "can you {s} '{x}' with '{y}' everywhere",
        "i would like to {s} each '{x}' with '{y}'", "'{x}' is wrong , {s} it with '{y}' in the whole document",
        "'{y}' is the right word , so {s} every '{x}' with it", "you must {s} '{x}' with '{y}' throughout the document",
        "how do i {s} all of the '{x}' in this text with '{y}'", "please {s} '{x}' with '{y}' in all places"],
        ["let me {s} '{x}' with '{y}'", "take '{x}' and {s} it with '{y}'"],
        ["where '{x}' stands {s} it with '{y}'", "please {s} the word '{x}' with '{y}'"];
    /// Text typed over.
    RETYPE: ["{s} '{x}' as '{y}'", "select '{x}' and {s} it as '{y}'", "{s} the words '{x}' to say '{y}'",
        "can you {s} '{x}' so that it says '{y}'", "'{y}' is what '{x}' should say , please {s} it",
        "the text '{x}' must say '{y}' , so {s} it", "how do i {s} the part '{x}' as '{y}'",
        "please {s} the text '{x}' to read '{y}'", "find the words '{x}' and {s} them as '{y}'"],
        ["let me {s} '{x}' as '{y}'", "take '{x}' and {s} it as '{y}'"],
        ["please {s} what says '{x}' as '{y}'", "'{x}' is wrong , {s} it as '{y}'"];
    /// Text added behind a paragraph.
    APPEND: ["{s} '{y}' after '{x}'", "{s} '{y}' to the end of '{x}'", "behind '{x}' {s} '{y}'",
        "can you {s} '{y}' right after '{x}'", "i would like to {s} '{y}' behind '{x}'",
        "'{y}' must follow '{x}' , so {s} it there", "after '{x}' please {s} '{y}'",
        "how do i {s} '{y}' at the end of '{x}'", "{s} the words '{y}' directly behind '{x}'"],
        ["let me {s} '{y}' after '{x}'", "at the end of '{x}' {s} '{y}'"],
        ["please {s} '{y}' behind the paragraph '{x}'", "'{x}' should go on with '{y}' , {s} it"];
    /// A last paragraph.
    LAST: ["{s} '{y}' as the last paragraph", "{s} a last paragraph that says '{y}'",
        "at the end of the document {s} '{y}'", "can you {s} '{y}' at the very end of the document",
        "i want to {s} '{y}' as a new last paragraph", "'{y}' should be the last paragraph , please {s} it",
        "'{y}' has to close the document , so {s} it as the last paragraph",
        "how do i {s} a last paragraph with the text '{y}'", "as the last paragraph of the document please {s} '{y}'",
        "go to the end of the document and {s} '{y}'", "{s} one more paragraph at the end of the document : '{y}'"],
        ["let me {s} '{y}' as the last paragraph", "below the last paragraph {s} '{y}'"],
        ["please {s} '{y}' after the last paragraph", "the document should end with '{y}' , {s} it"];
    /// Letters changed.
    LETTERS: ["write '{x}' in {s}", "change '{x}' to {s}", "put the words '{x}' in {s}", "select '{x}' and use {s}",
        "can you write the words '{x}' with {s}", "i would like '{x}' to have {s}", "{s} for the letters of '{x}'",
        "{s} should be used for the letters of '{x}'", "the words '{x}' must have {s}",
        "how do i get {s} for the words '{x}'", "please give '{x}' {s}"],
        ["let '{x}' be in {s}", "take '{x}' and use {s}"],
        ["'{x}' should be written in {s}", "i would like to see '{x}' in {s}"];
    /// A file written.
    SAVE: ["{s} the document as '{y}' in {o} format", "{s} it as '{y}' of type {o}", "{s} a {o} file named '{y}'",
        "can you {s} this document as '{y}' in the {o} format", "i would like to {s} the file as '{y}' in {o} format",
        "'{y}' should be the name , {s} it in {o} format", "{o} is the format i need , so {s} the document as '{y}'",
        "in {o} format please {s} the document under the name '{y}'",
        "how do i {s} this text as a {o} file with the name '{y}'",
        "the file must be named '{y}' and be of type {o} , {s} it", "{s} my work as '{y}' , the type has to be {o}"],
        ["let me {s} '{y}' as a {o} file", "a {o} file named '{y}' is needed , {s} it"],
        ["please {s} a {o} file called '{y}'", "i want to {s} '{y}' as {o}"];
    /// Two numbers.
    SUM: ["{s} {a} and {b}", "{s} the numbers {a} and {b}", "what comes out when you {s} {a} and {b}",
        "can you {s} {a} and {b}", "please {s} the two numbers {a} and {b}", "{a} and {b} are the numbers , {s} them",
        "{a} , {b} : {s} these numbers", "take {a} and {b} and {s} the two", "the calculator should {s} {a} and {b}",
        "how do i {s} the numbers {a} and {b}"],
        ["let me {s} {a} and {b}", "now {s} {a} and {b}"],
        ["please {s} {a} and {b} for me", "i have to {s} {a} and {b}"];
}
