//! The families, as data: page by page, what it asks and how it is done.
//!
//! The first sentence of each is the page's own. Of the others, the expert knows the first.

use lam_tasks::Wording;

use super::{Asking, Family};
use crate::procedures::*;

/// The page's own words; others of training; those of the validation set; those of the test set; the steps.
macro_rules! asking {
    ($own:literal; $($train:literal),+; $($dev:literal),+; $($test:literal),+; $($step:literal),+) => {
        Asking { wording: Wording::new(&[$own, $($train),+], &[$($dev),+], &[$($test),+]), steps: &[$($step),+] }
    };
}

macro_rules! family {
    ($name:literal, $procedure:ident, $askings:expr) => {
        Family { name: $name, askings: $askings, procedure: $procedure }
    };
}

const ONE_BUTTON: &[Asking] = &[
    asking!("Click the button."; "Press the button.", "Push the only button."; "There is one button: click it."; "Hit the button there is."; "click Click Me!"),
];
const BUTTON_OF_TWO: &[Asking] = &[
    asking!("Click button {label}."; "Press button {label}.", "Push the button {label}."; "Of the buttons, {label} is to be pressed."; "Choose the button named {label}."; "click {label}"),
];
const BUTTON: &[Asking] = &[asking!(
    "Click on the \"{button}\" button."; "Press the button \"{button}\".", "Push \"{button}\"."; "Let the button \"{button}\" be pressed."; "Choose the button that says \"{button}\"."; "click {button}"
)];
const SEQUENCE: &[Asking] = &[asking!(
    "Click button {label}, then click button {label2}."; "Press {label} and then {label2}.", "First push {label}, after it {label2}.";
    "The buttons {label} and {label2}, in this order, please."; "Start with the button {label} and go on with {label2}."; "click {label}", "click {label2}"
)];
const LINK: &[Asking] = &[
    asking!("Click on the link \"{word}\"."; "Follow the link \"{word}\".", "Open the link \"{word}\"."; "Let the link \"{word}\" be opened."; "Go where \"{word}\" leads."; "click {word}"),
];
const TEXT: &[Asking] = &[asking!(
    "Enter \"{name}\" into the text field and press Submit."; "Type \"{name}\" and submit it.", "Fill in \"{name}\" and send it.";
    "Send the field with \"{name}\" in it."; "The field should say \"{name}\" when it is sent."; "type {name} in text field", "click Submit"
)];
const LETTERS: &[Asking] = &[asking!(
    "Type \"{name}\" in all {letters} letters in the text input and press Submit."; "Type \"{name}\" in {letters} letters and submit it.",
    "Write \"{name}\" with all its letters {letters} and send it."; "In {letters} letters, \"{name}\" is what the form wants."; "Submit \"{name}\", but with every letter {letters}.";
    "type {name:letters} in text field", "click Submit"
)];
const PASSWORD: &[Asking] = &[asking!(
    "Enter the password \"{code}\" into both text fields and press submit."; "Type the password \"{code}\" twice and submit it.",
    "Set \"{code}\" as the password."; "Send the form with \"{code}\" as password and as its repetition."; "Both fields should hold \"{code}\" when they are sent.";
    "type {code} in Password", "type {code} in Verify password", "click Submit"
)];
const LOGIN: &[Asking] = &[asking!(
    "Enter the username \"{user}\" and the password \"{code}\" into the text fields and press login.";
    "Log in as \"{user}\" with the password \"{code}\".", "Sign in with user \"{user}\" and password \"{code}\".";
    "Open the account of \"{user}\", whose password is \"{code}\"."; "The user \"{user}\" wants to get in; the password is \"{code}\".";
    "type {user} in Username", "type {code} in Password", "click Login"
)];
const FOCUS: &[Asking] = &[asking!(
    "Focus into the textbox."; "Click into the text box.", "Put the cursor into the text field."; "Let the text box have the focus."; "Make the text box the active one."; "click text field"
)];
const FOCUS_NTH: &[Asking] = &[asking!(
    "Focus into the {ordinal} input textbox."; "Click into the {ordinal} text box.", "Put the cursor into the {ordinal} field.";
    "Let the {ordinal} text box have the focus."; "Make the {ordinal} text box the active one."; "click text field {ordinal:digits}"
)];
const CHECKBOXES: &[Asking] = &[asking!(
    "Select {codes} and click Submit."; "Check {codes} and submit.", "Tick {codes} and send it."; "Send the form with {codes} ticked."; "Mark each of {codes} before you submit.";
    "click {codes:each}", "click Submit"
)];
const OPTION: &[Asking] = &[asking!(
    "Select {code} and click Submit."; "Choose {code} and submit.", "Pick {code} and send it."; "Send the form with {code} chosen."; "Let {code} be the choice that is sent.";
    "click {code}", "click Submit"
)];
const LIST: &[Asking] = &[asking!(
    "Select {country} from the list and click Submit."; "Choose {country} in the list and submit.", "Pick {country} from the list and send it.";
    "Send the list with {country} chosen."; "Of all in the list, {country} is to be sent."; "click {country}", "click Submit"
)];
const SCROLL_LIST: &[Asking] = &[asking!(
    "Select {countries} from the scroll list and click Submit."; "Choose {countries} in the scroll list and submit.",
    "Pick {countries} from the scroll list and send it."; "Send the scroll list with {countries} chosen."; "Of all in the scroll list, {countries} are to be sent.";
    "click {countries:each}", "click Submit"
)];
const TAB: &[Asking] = &[
    asking!("Click on Tab #{digit}."; "Open Tab #{digit}.", "Show Tab #{digit}."; "Let Tab #{digit} be shown."; "Go to what Tab #{digit} holds."; "click Tab #{digit}"),
];
const TABS: &[Asking] = &[asking!(
    "Switch between the tabs to find and click on the link \"{word}\"."; "Find the link \"{word}\" behind the tabs and click it.",
    "Look through the tabs for \"{word}\" and follow it."; "Some tab hides the link \"{word}\", which is to be opened."; "On one of the tabs is \"{word}\": click it."; "click Tab #2", "click Tab #3", "click {word}"
)];
const SECTION: &[Asking] = &[asking!(
    "Expand the section below and click submit."; "Open the section and submit.", "Unfold the section and send it."; "Let the section be open, then send it."; "Show what is in the section, then submit.";
    "click Section #1", "click Submit"
)];
const SECTIONS: &[Asking] = &[asking!(
    "Expand the sections below, to find and click on the link \"{word}\"."; "Find the link \"{word}\" in the sections and click it.",
    "Look through the sections for \"{word}\" and follow it."; "Some section hides the link \"{word}\", which is to be opened."; "In one of the sections is \"{word}\": click it."; "click Section #1", "click Section #2", "click {word}"
)];
const CLOSE: &[Asking] = &[asking!(
    "Close the dialog box by clicking the \"x\"."; "Close the dialog with the \"x\".", "Make the dialog go away with its \"x\".";
    "Let the \"x\" close the box."; "Get rid of the box by its \"x\"."; "click Close"
)];
const DIALOG: &[Asking] = &[asking!(
    "Click the button in the dialog box labeled \"{button}\"."; "Press \"{button}\" in the dialog.", "Answer the dialog with \"{button}\".";
    "Let the dialog have \"{button}\" as its answer."; "The dialog should be left by \"{button}\"."; "click {button}"
)];
const WIDGET: &[Asking] = &[asking!(
    "Click on a \"{widget}\" widget."; "Click a widget of kind \"{widget}\".", "Find some \"{widget}\" and click it."; "Of the widgets, click one that is a \"{widget}\"."; "Touch anything that is a \"{widget}\".";
    "click {widget}"
)];
const COPY: &[Asking] = &[asking!(
    "Copy the text in the textarea below, paste it into the textbox and press Submit."; "Copy the text of the text area into the text box and submit it.",
    "Put the text of the area into the field and send it."; "Send the field with the same text as the area."; "The field should say what the area says when it is sent.";
    "read text area", "click text field", "click Submit"
)];
const COPY_NTH: &[Asking] = &[asking!(
    "Copy the text from the {ordinal} text area below and paste it into the text input, then press Submit.";
    "Copy the text of the {ordinal} text area into the text box and submit it.", "Put the text of the {ordinal} area into the field and send it.";
    "Send the field with the same text as the {ordinal} area."; "The field should say what the {ordinal} area says when it is sent."; "read text area", "click text field", "click Submit"
)];
const MAIL_TRASH: &[Asking] = &[asking!(
    "Find the email by {name} and click the trash icon to delete it."; "Delete the email by {name}.", "Throw the mail of {name} away.";
    "Let the mail that came from {name} be gone."; "What {name} wrote should not be there any more."; "click {name} trash"
)];
const MAIL_STAR: &[Asking] = &[asking!(
    "Find the email by {name} and click the star icon to mark it as important."; "Mark the email by {name} as important.",
    "Give the mail of {name} a star."; "Let the mail that came from {name} have a star."; "What {name} wrote is important."; "click {name} star"
)];
const MAIL_REPLY: &[Asking] = &[asking!(
    "Find the email by {name} and reply to them with the text \"{sentence}\"."; "Reply to the email by {name} with \"{sentence}\".",
    "Answer the mail of {name}: \"{sentence}\"."; "Let \"{sentence}\" be the answer to the mail that came from {name}."; "Tell {name} in an answer \"{sentence}\"."; "click {name}", "click Reply", "type {sentence} in text area", "click send reply"
)];
const MAIL_FORWARD: &[Asking] = &[asking!(
    "Find the email by {name} and forward that email to {name2}."; "Forward the email by {name} to {name2}.", "Send the mail of {name} on to {name2}.";
    "Let the mail that came from {name} go on to {name2}."; "Let {name2} have what {name} wrote."; "click {name}", "click Forward", "type {name2} in to", "click send forward"
)];
const DATE: &[Asking] = &[asking!(
    "Enter {date} as the date and hit submit."; "Type the date {date} and submit it.", "Fill in the date {date} and send it.";
    "Send the form with the date {date}."; "The date should be {date} when it is sent."; "type {date} in date field", "click Submit"
)];
const TIME: &[Asking] = &[asking!(
    "Enter {time} as the time and press submit."; "Type the time {time} and submit it.", "Fill in the time {time} and send it.";
    "Send the form with the time {time}."; "The time should be {time} when it is sent."; "type {time} in time field", "click Submit"
)];
const CALENDAR: &[Asking] = &[asking!(
    "Select {date} as the date and hit submit."; "Choose {date} in the calendar and submit it.", "Pick the day {date} and send it.";
    "Send the calendar with the day {date}."; "The calendar should say {date} when it is sent."; "click Date", "click Prev", "click {date:day}", "click Submit"
)];
const CARDS: &[Asking] = &[asking!(
    "Find and pick the card with the greatest number, then press submit."; "Pick the card with the greatest number and submit.",
    "Choose the highest card and send it."; "Let the card of the greatest number be sent."; "No card but the biggest is to be sent."; "click the greatest number", "click Submit"
)];
const NTH_WORD: &[Asking] = &[asking!(
    "Find the {ordinal} word in the paragraph, type that into the textbox and press \"Submit\"."; "Type the {ordinal} word of the paragraph and submit it.",
    "Fill in the {ordinal} word of the text and send it."; "Send the field with the {ordinal} word of the text in it."; "The field should hold the {ordinal} word of the text when it is sent.";
    "type the word in text field", "click Submit"
)];
const RADIO_NUMBER: &[Asking] = &[asking!(
    "Check the {ordinal} radio button and enter the number \"{number}\" into the {ordinal2} textbox.";
    "Choose the {ordinal} radio button and type \"{number}\" in the {ordinal2} text box.", "Pick radio button {ordinal} and fill \"{number}\" into field {ordinal2}.";
    "Send the {ordinal} radio button, and \"{number}\" in the {ordinal2} text box."; "Field {ordinal2} takes \"{number}\", and of the radio buttons the {ordinal} is on.";
    "click radio button {ordinal:digits}", "type {number} in text field {ordinal2:digits}", "click Submit"
)];
const GUESS: &[Asking] = &[asking!(
    "Guess the number between 0-9 and press Submit. Use the feedback below to find the right number.";
    "Guess the number from 0 to 9 until it is right.", "Find the hidden number from 0 to 9 by guessing."; "One digit is right: try digits until it is found."; "Which digit is it? Try until the page is content.";
    "type 4 in number field", "click Submit", "type 7 in number field", "click Submit"
)];
const TREE: &[Asking] = &[asking!(
    "Navigate through the file tree. Find and click on the folder or file named \"{name}\"."; "Find \"{name}\" in the file tree and click it.",
    "Look through the folders for \"{name}\" and choose it."; "Some folder hides \"{name}\", which is to be chosen."; "Somewhere in the tree is \"{name}\": click it."; "click a folder", "click {name}"
)];
const ODD_EVEN: &[Asking] = &[asking!(
    "Mark the numbers below as odd or even and press submit when done."; "Mark each number as odd or even and submit.",
    "Say of each number whether it is odd or even and send it."; "Send each number with its mark, odd or even."; "Odd or even? Answer for every number, then submit."; "click 7 Odd", "click 4 Even", "click Submit"
)];
const PHONE_BOOK: &[Asking] = &[asking!(
    "Find {name} in the contact book and click on their {contact}."; "Click the {contact} of {name} in the contact book.",
    "Look up {name} and choose the {contact}."; "Open the {contact} that {name} has in the contact book."; "What is the {contact} of {name}? Click it."; "click >", "click the {contact}"
)];
const TABLE: &[Asking] = &[asking!(
    "Enter the value of {field} into the text field and press Submit."; "Type the value of {field} and submit it.",
    "Look {field} up in the table, fill it in and send it."; "Send the field with the table's value of {field} in it."; "The field should hold what the table says of {field}.";
    "type the value in text field", "click Submit"
)];
const TABLE_FORM: &[Asking] = &[asking!(
    "Enter the value that corresponds with each label into the form and submit when done."; "Type the value of each label into the form and submit it.",
    "Fill the form in from the table and send it."; "Send the form with the table's values in it."; "The form should hold what the table says."; "type the value in Language", "type the value in Gender", "click Submit"
)];
const LAST_WORD: &[Asking] = &[asking!(
    "Find the last word in the text area, enter it into the text field and hit Submit."; "Type the last word of the text area and submit it.",
    "Fill in the last word of the area and send it."; "Send the field with the last word of the area in it."; "The field should hold the last word of the area when it is sent.";
    "type the last word in text field", "click Submit"
)];
const SCROLL_AREA: &[Asking] = &[asking!(
    "Scroll the textarea to the {end} of the text hit submit."; "Scroll the text area to the {end} and submit.", "Go to the {end} of the text area and send it.";
    "Send the text area when its {end} is shown."; "The area should show its {end} when it is sent."; "scroll text area by -64", "click Submit"
)];
const RESULT: &[Asking] = &[asking!(
    "Use the textbox to enter \"{name}\" and press \"Search\", then find and click the {ordinal} search result.";
    "Search for \"{name}\" and click the {ordinal} result.", "Look for \"{name}\" and open result {ordinal}."; "Let the {ordinal} result of a search for \"{name}\" be opened."; "Of what is found for \"{name}\", open the {ordinal}.";
    "type {name} in text field", "click Search", "click >", "click the result"
)];
const ARITHMETIC: &[Asking] = &[asking!(
    "Solve the math problem and type your answer into the textbox. Press submit when done."; "Solve the math problem and submit the answer.",
    "Work out the sum and send the result."; "Send what the sum comes to."; "What does it come to? Send the number."; "type the answer in the field", "click Submit"
)];
const ALGEBRA: &[Asking] = &[asking!(
    "Solve for x and type your answer into the textbox. Press Submit when done."; "Solve for x and submit the answer.",
    "Find x and send it."; "Send the number that x stands for."; "What is x? Send the number."; "type the answer in x =", "click Submit"
)];
const AUTOCOMPLETE: &[Asking] = &[
    asking!(
        "Enter an item that starts with \"{start}\" and ends with \"{finish}\"."; "Submit an item from \"{start}\" to \"{finish}\".",
        "Choose what begins with \"{start}\" and stops with \"{finish}\"."; "Send an item whose ends are \"{start}\" and \"{finish}\"."; "It starts with \"{start}\", its end is \"{finish}\": enter it."; "type {start} in Tags", "click Submit"
    ),
    asking!(
        "Enter an item that starts with \"{start}\"."; "Submit an item from \"{start}\" on.", "Choose what begins with \"{start}\".";
        "Send an item that has \"{start}\" in front."; "Its first letters are \"{start}\": enter it."; "type {start} in Tags", "click Submit"
    ),
];
const SHOWN_TEXT: &[Asking] = &[asking!(
    "Type the text below into the text field and press Submit."; "Type the text that is shown and submit it.", "Fill in the letters you see and send them.";
    "Send the field with the text of the picture in it."; "The field should hold what the picture says."; "type the text in text field", "click Submit"
)];
const GENERATE: &[Asking] = &[
    asking!(
        "Generate an {parity} number, then press submit."; "Generate numbers until one is {parity} and submit it.", "Send a number that is {parity}.";
        "Let a number that is {parity} come up, and send it."; "No number but an {parity} one is to be sent."; "click Generate", "click Submit"
    ),
    asking!(
        "Generate a number {relation} than {number}, then press submit."; "Generate numbers until one is {relation} than {number} and submit it.",
        "Send a number that is {relation} than {number}."; "Let a number {relation} than {number} come up, and send it."; "No number but one {relation} than {number} is to be sent."; "click Generate", "click Submit"
    ),
];
const TICKET: &[Asking] = &[asking!(
    "Buy the ticket with the {bar}."; "Book the ticket with the {bar}.", "Get the ticket of the {bar}."; "Let the ticket with the {bar} be booked."; "Which ticket has the {bar}? Book it."; "click the ticket"
)];
const SPINNER: &[Asking] = &[asking!(
    "Select {number} with the spinner and hit Submit."; "Set the spinner to {number} and submit.", "Turn the spinner to {number} and send it.";
    "Send the spinner at {number}."; "The spinner should stand at {number} when it is sent."; "type {number} in Select a value", "click Submit"
)];
const MOVIES: &[Asking] = &[asking!(
    "Search for {genre} movies directed by {lastname} from year {year}."; "Find {genre} movies by the director {lastname} of the year {year}.",
    "Look for movies: genre {genre}, director {lastname}, year {year}."; "Which {genre} movies of {year} are by {lastname}? Search for them."; "In {year} {lastname} made {genre} movies: search for them.";
    "type {genre} in Genre text field", "type {lastname} in Director text field", "type {year} in Year text field", "click Submit"
)];
const HIGHLIGHT: &[Asking] = &[asking!(
    "Highlight the text in the paragraph below and click submit."; "Select the text of the paragraph and submit.", "Mark the whole paragraph and send it.";
    "Send it with its paragraph marked."; "The paragraph should be marked when it is sent."; "select the paragraph", "click Submit"
)];
const HIGHLIGHT_NTH: &[Asking] = &[asking!(
    "Highlight the text in the {ordinal} paragraph and click submit."; "Select the text of the {ordinal} paragraph and submit.",
    "Mark the whole {ordinal} paragraph and send it."; "Send it with the {ordinal} paragraph marked."; "The {ordinal} paragraph should be marked when it is sent."; "select the paragraph", "click Submit"
)];
const POST: &[Asking] = &[asking!(
    "For the user @{user}, click on the \"{post}\" button."; "Press \"{post}\" at the post of @{user}.", "Choose \"{post}\" for @{user}.";
    "Let \"{post}\" be the answer to @{user}."; "What @{user} wrote gets a \"{post}\"."; "click @{user} {post:lower}"
)];

/// Every family.
pub const FAMILIES: &[Family] = &[
    family!("click-test", click_button_of, ONE_BUTTON),
    family!("click-test-2", click_named, BUTTON_OF_TWO),
    family!("click-test-transfer", click_named, BUTTON_OF_TWO),
    family!("click-button", click_named, BUTTON),
    family!("unicode-test", click_named, BUTTON),
    family!("click-button-sequence", click_sequence, SEQUENCE),
    family!("click-link", click_named, LINK),
    family!("click-dialog", close_dialog, CLOSE),
    family!("click-dialog-2", click_named, DIALOG),
    family!("click-widget", widget, WIDGET),
    family!("click-option", pick_items, OPTION),
    family!("click-checkboxes", pick_items, CHECKBOXES),
    family!("click-checkboxes-large", pick_items, CHECKBOXES),
    family!("click-checkboxes-transfer", pick_items, CHECKBOXES),
    family!("click-tab", click_named, TAB),
    family!("click-tab-2", open_and_find, TABS),
    family!("click-tab-2-easy", open_and_find, TABS),
    family!("click-tab-2-medium", open_and_find, TABS),
    family!("click-tab-2-hard", open_and_find, TABS),
    family!("click-collapsible", expand_section, SECTION),
    family!("click-collapsible-nodelay", expand_section, SECTION),
    family!("click-collapsible-2", open_and_find, SECTIONS),
    family!("click-collapsible-2-nodelay", open_and_find, SECTIONS),
    family!("click-scroll-list", pick_items, SCROLL_LIST),
    family!("choose-list", pick_items, LIST),
    family!("enter-text", enter_text, TEXT),
    family!("enter-text-2", enter_text, LETTERS),
    family!("enter-text-dynamic", enter_text, TEXT),
    family!("enter-password", fill_form, PASSWORD),
    family!("enter-date", enter_text, DATE),
    family!("enter-time", enter_text, TIME),
    family!("login-user", log_in, LOGIN),
    family!("login-user-popup", log_in, LOGIN),
    family!("focus-text", focus_field, FOCUS),
    family!("focus-text-2", focus_field, FOCUS_NTH),
    family!("choose-date-easy", choose_date, CALENDAR),
    family!("choose-date-medium", choose_date, CALENDAR),
    family!("choose-date", choose_date, CALENDAR),
    family!("copy-paste", copy_text, COPY),
    family!("copy-paste-2", copy_text, COPY_NTH),
    family!("email-inbox-delete", delete_mail, MAIL_TRASH),
    family!("email-inbox-important", star_mail, MAIL_STAR),
    family!("email-inbox-reply", reply_mail, MAIL_REPLY),
    family!("email-inbox-forward", forward_mail, MAIL_FORWARD),
    family!("find-greatest", cards, CARDS),
    family!("find-word", word_of_text, NTH_WORD),
    family!("form-sequence-2", radio_and_number, RADIO_NUMBER),
    family!("guess-number", guess_number, GUESS),
    family!("navigate-tree", tree, TREE),
    family!("odd-or-even", odd_or_even, ODD_EVEN),
    family!("phone-book", phone_book, PHONE_BOOK),
    family!("read-table", read_table, TABLE),
    family!("read-table-2", read_table_form, TABLE_FORM),
    family!("scroll-text", type_last_word, LAST_WORD),
    family!("scroll-text-2", scroll_area, SCROLL_AREA),
    family!("search-engine", search_engine, RESULT),
    family!("simple-arithmetic", solve_arithmetic, ARITHMETIC),
    family!("simple-algebra", solve_algebra, ALGEBRA),
    family!("use-autocomplete", autocomplete, AUTOCOMPLETE),
    family!("use-autocomplete-nodelay", autocomplete, AUTOCOMPLETE),
    family!("text-transform", type_shown_text, SHOWN_TEXT),
    family!("generate-number", generate_number, GENERATE),
    family!("buy-ticket", buy_ticket, TICKET),
    family!("use-spinner", set_spinner, SPINNER),
    family!("multi-orderings", search_movies, MOVIES),
    family!("multi-layouts", search_movies, MOVIES),
    family!("highlight-text", highlight, HIGHLIGHT),
    family!("highlight-text-2", highlight, HIGHLIGHT_NTH),
    family!("social-media", social_media, POST),
];
