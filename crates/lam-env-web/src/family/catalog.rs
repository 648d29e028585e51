//! The families, as data: page by page, what it asks and how it is done.
//!
//! The first sentence of each is the page's own. Of the others of training, most of which were written without sight of
//! the held-out ones, the expert knows the first half.

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

const ONE_BUTTON: &[Asking] = &[asking!(
    "Click the button.";
    "Press the button.",
    "Push the only button.",
    "Could you click the one button on the page?",
    "Please give the single button a click.",
    "There is just one button here, and I want it clicked.",
    "The page's sole button needs to be pressed.",
    "Hit the button that you see.",
    "One click on the only button there is, please.";
    "There is one button: click it.";
    "Hit the button there is.";
    "click Click Me!"
)];
const BUTTON_OF_TWO: &[Asking] = &[asking!(
    "Click button {label}.";
    "Press button {label}.",
    "Push the button {label}.",
    "Of the two buttons, click {label}.",
    "Would you please choose button {label} out of the two?",
    "I want the button {label} pressed and not the other one.",
    "Between both buttons, {label} is the one to push.",
    "Hit the one of the two buttons that reads {label}.",
    "The button to be clicked, out of this pair, is {label}.";
    "Of the buttons, {label} is to be pressed.";
    "Choose the button named {label}.";
    "click {label}"
)];
const BUTTON: &[Asking] = &[asking!(
    "Click on the \"{button}\" button.";
    "Press the button \"{button}\".",
    "Push \"{button}\".",
    "Could you click the button labeled \"{button}\" for me?",
    "I want the button with the caption \"{button}\" to be clicked.",
    "Among all these elements, find the button \"{button}\" and give it a click.",
    "The \"{button}\" button needs pressing.",
    "Which one is the button named \"{button}\"? Please press it.";
    "Let the button \"{button}\" be pressed.";
    "Choose the button that says \"{button}\".";
    "click {button}"
)];
const SEQUENCE: &[Asking] = &[asking!(
    "Click button {label}, then click button {label2}.";
    "Press {label} and then {label2}.",
    "First push {label}, after it {label2}.",
    "Could you click {label} first and {label2} second?",
    "Two buttons need to be clicked in order: at first {label} and afterwards {label2}.",
    "Once button {label} has been pressed, press button {label2} too.",
    "Please hit {label} before hitting {label2}.",
    "I want a click on button {label} followed by a click on button {label2}.";
    "The buttons {label} and {label2}, in this order, please.";
    "Start with the button {label} and go on with {label2}.";
    "click {label}", "click {label2}"
)];
const LINK: &[Asking] = &[asking!(
    "Click on the link \"{word}\".";
    "Follow the link \"{word}\".",
    "Open the link \"{word}\".",
    "Could you click the link that reads \"{word}\"?",
    "In the text there is a link \"{word}\", please click it.",
    "I want you to use the hyperlink \"{word}\".",
    "The linked word \"{word}\" should be clicked.",
    "Hit the link with the text \"{word}\".";
    "Let the link \"{word}\" be opened.";
    "Go where \"{word}\" leads.";
    "click {word}"
)];
const TEXT: &[Asking] = &[asking!(
    "Enter \"{name}\" into the text field and press Submit.";
    "Type \"{name}\" and submit it.",
    "Fill in \"{name}\" and send it.",
    "Put \"{name}\" in the text field and hit Submit.",
    "Could you write \"{name}\" into the field and then submit?",
    "I want the text field to hold \"{name}\" and the form to be handed in.",
    "The word \"{name}\" needs to be entered in the text box and submitted.",
    "Please key in \"{name}\", then click the Submit button.",
    "Into the empty text field goes \"{name}\", after which you submit.";
    "Send the field with \"{name}\" in it.";
    "The field should say \"{name}\" when it is sent.";
    "type {name} in text field", "click Submit"
)];
const LETTERS: &[Asking] = &[asking!(
    "Type \"{name}\" in all {letters} letters in the text input and press Submit.";
    "Type \"{name}\" in {letters} letters and submit it.",
    "Write \"{name}\" with all its letters {letters} and send it.",
    "Put \"{name}\" in the text field, using only {letters} letters, and hit Submit.",
    "Could you enter \"{name}\" with every letter in {letters} and then submit?",
    "I want \"{name}\" spelled entirely in {letters} letters in the text box and handed in.",
    "The text \"{name}\" must be typed with nothing but {letters} letters before it is submitted.",
    "Using {letters} letters throughout, write \"{name}\" into the field and press the Submit button.",
    "Please convert \"{name}\" to {letters} letters, enter that in the input and submit the form.";
    "In {letters} letters, \"{name}\" is what the form wants.";
    "Submit \"{name}\", but with every letter {letters}.";
    "type {name:letters} in text field", "click Submit"
)];
const PASSWORD: &[Asking] = &[asking!(
    "Enter the password \"{code}\" into both text fields and press submit.";
    "Type the password \"{code}\" twice and submit it.",
    "Set \"{code}\" as the password.",
    "Fill both password fields with \"{code}\" and hit submit.",
    "Could you enter \"{code}\" as the password, repeat it for verification and submit?",
    "I want my password to be \"{code}\", so put it into both boxes and send the form.",
    "The password \"{code}\" has to be typed in the first field and again in the second, then submitted.",
    "Please choose the password \"{code}\", confirm it in the other field and hand it in.",
    "In the password field as well as in the verification field write \"{code}\", then click Submit.";
    "Send the form with \"{code}\" as password and as its repetition.";
    "Both fields should hold \"{code}\" when they are sent.";
    "type {code} in Password", "type {code} in Verify password", "click Submit"
)];
const LOGIN: &[Asking] = &[asking!(
    "Enter the username \"{user}\" and the password \"{code}\" into the text fields and press login.";
    "Log in as \"{user}\" with the password \"{code}\".",
    "Sign in with user \"{user}\" and password \"{code}\".",
    "Use the username \"{user}\" together with the password \"{code}\" to log in.",
    "Could you log me in with username \"{user}\" and password \"{code}\"?",
    "With \"{code}\" as the password, sign in as the user \"{user}\".",
    "I want to be logged in: my username is \"{user}\" and my password is \"{code}\".",
    "The login needs \"{user}\" for the username and \"{code}\" for the password, please fill them in and press Login.",
    "Please put \"{user}\" under username, \"{code}\" under password, and click the login button.";
    "Open the account of \"{user}\", whose password is \"{code}\".";
    "The user \"{user}\" wants to get in; the password is \"{code}\".";
    "type {user} in Username", "type {code} in Password", "click Login"
)];
const FOCUS: &[Asking] = &[asking!(
    "Focus into the textbox.";
    "Click into the text box.",
    "Put the cursor into the text field.",
    "Could you place the cursor in the textbox?",
    "I want the input field to be focused.",
    "The textbox should become active, so click in it.",
    "Please select the text input so that I can start typing.",
    "Make the only text field on the page the active one.";
    "Let the text box have the focus.";
    "Make the text box the active one.";
    "click text field"
)];
const FOCUS_NTH: &[Asking] = &[asking!(
    "Focus into the {ordinal} input textbox.";
    "Click into the {ordinal} text box.",
    "Put the cursor into the {ordinal} field.",
    "Could you place the cursor in the {ordinal} of the text boxes?",
    "I want the {ordinal} input field to be focused.",
    "Of the text fields here, the {ordinal} one should become active.",
    "Please select the {ordinal} text input so that typing goes there.",
    "Among these textboxes, click inside the {ordinal} one.";
    "Let the {ordinal} text box have the focus.";
    "Make the {ordinal} text box the active one.";
    "click text field {ordinal:digits}"
)];
const CHECKBOXES: &[Asking] = &[asking!(
    "Select {codes} and click Submit.";
    "Check {codes} and submit.",
    "Tick {codes} and send it.",
    "Put a check mark at {codes} and then press the Submit button.",
    "Could you tick the checkboxes {codes} and submit the form?",
    "I want the boxes {codes} to be checked and the form handed in.",
    "The checkboxes for {codes} need to be ticked before you hit Submit.",
    "Please mark the check boxes named {codes} and click the submit button afterwards.",
    "Before submitting, make sure that the boxes {codes} are all checked.";
    "Send the form with {codes} ticked.";
    "Mark each of {codes} before you submit.";
    "click {codes:each}", "click Submit"
)];
const OPTION: &[Asking] = &[asking!(
    "Select {code} and click Submit.";
    "Choose {code} and submit.",
    "Pick {code} and send it.",
    "Click the radio button {code} and then press Submit.",
    "Could you take the option {code} and submit the form?",
    "I want {code} to be the chosen option when the form is handed in.",
    "Out of the options given, {code} should be selected and submitted.",
    "Please set the radio buttons to {code} and hit the submit button.",
    "My choice is the option {code}, so mark it and send the form.";
    "Send the form with {code} chosen.";
    "Let {code} be the choice that is sent.";
    "click {code}", "click Submit"
)];
const LIST: &[Asking] = &[asking!(
    "Select {country} from the list and click Submit.";
    "Choose {country} in the list and submit.",
    "Pick {country} from the list and send it.",
    "Open the drop-down list, set it to {country} and press Submit.",
    "Could you select {country} in the drop-down and submit?",
    "I want the list to be set to {country} and the form handed in.",
    "In the drop-down menu, {country} needs to be selected before you click Submit.",
    "Please take {country} out of the list's entries and hit the submit button.",
    "From the list of choices the one to submit is {country}.";
    "Send the list with {country} chosen.";
    "Of all in the list, {country} is to be sent.";
    "click {country}", "click Submit"
)];
const SCROLL_LIST: &[Asking] = &[asking!(
    "Select {countries} from the scroll list and click Submit.";
    "Choose {countries} in the scroll list and submit.",
    "Pick {countries} from the scroll list and send it.",
    "In the scrolling list, highlight {countries} and press Submit.",
    "Could you select {countries} in the scrollable list and then submit?",
    "I want {countries} to be marked in the scroll list and the form handed in.",
    "The scroll list entries {countries} need to be selected before you hit the submit button.",
    "Please scroll through the list, click {countries} and submit the selection.",
    "Out of the scroll list I would like {countries} chosen and then sent.";
    "Send the scroll list with {countries} chosen.";
    "Of all in the scroll list, {countries} are to be sent.";
    "click {countries:each}", "click Submit"
)];
const TAB: &[Asking] = &[asking!(
    "Click on Tab #{digit}.";
    "Open Tab #{digit}.",
    "Show Tab #{digit}.",
    "Switch to Tab #{digit}.",
    "Could you go to the tab with the number {digit}?",
    "I want to see what is on Tab #{digit}.",
    "The tab numbered {digit} needs to be brought to the front.",
    "Please change over to tab number {digit}.",
    "Of all the tabs, it is #{digit} that should be opened.";
    "Let Tab #{digit} be shown.";
    "Go to what Tab #{digit} holds.";
    "click Tab #{digit}"
)];
const TABS: &[Asking] = &[asking!(
    "Switch between the tabs to find and click on the link \"{word}\".";
    "Find the link \"{word}\" behind the tabs and click it.",
    "Look through the tabs for \"{word}\" and follow it.",
    "Go from tab to tab until you come across the link \"{word}\", then click it.",
    "Could you check the tabs for a link \"{word}\" and click on it?",
    "One of the tabs contains the link \"{word}\", which I want clicked.",
    "The link \"{word}\" is hidden under some tab and needs to be found and followed.",
    "On which tab is the link \"{word}\"? Please find out and click it.",
    "Please open the tabs one after another and click the link \"{word}\" once you see it.";
    "Some tab hides the link \"{word}\", which is to be opened.";
    "On one of the tabs is \"{word}\": click it.";
    "click Tab #2", "click Tab #3", "click {word}"
)];
const SECTION: &[Asking] = &[asking!(
    "Expand the section below and click submit.";
    "Open the section and submit.",
    "Unfold the section and send it.",
    "Click the section so that it opens, then hit the submit button.",
    "Could you expand the section and press submit?",
    "I want the collapsed section opened and after that the form submitted.",
    "The section below needs to be unfolded before you click Submit.",
    "Please reveal what is in the section and hand it in with the submit button.",
    "Once the section is expanded, submit.";
    "Let the section be open, then send it.";
    "Show what is in the section, then submit.";
    "click Section #1", "click Submit"
)];
const SECTIONS: &[Asking] = &[asking!(
    "Expand the sections below, to find and click on the link \"{word}\".";
    "Find the link \"{word}\" in the sections and click it.",
    "Look through the sections for \"{word}\" and follow it.",
    "Open one section after another until you come across the link \"{word}\", then click it.",
    "Could you unfold the sections and click on the link \"{word}\" inside?",
    "One of the collapsed sections contains the link \"{word}\", which should be clicked.",
    "The link \"{word}\" is hidden in some section below and has to be found and followed.",
    "In which section is the link \"{word}\"? Please expand them to see, and click it.",
    "Please go through the collapsible sections, expanding each, and click the link \"{word}\" as soon as it shows up.";
    "Some section hides the link \"{word}\", which is to be opened.";
    "In one of the sections is \"{word}\": click it.";
    "click Section #1", "click Section #2", "click {word}"
)];
const CLOSE: &[Asking] = &[asking!(
    "Close the dialog box by clicking the \"x\".";
    "Close the dialog with the \"x\".",
    "Make the dialog go away with its \"x\".",
    "Hit the \"x\" so that the dialog box closes.",
    "Could you click the \"x\" of the dialog to close it?",
    "I want the dialog box dismissed by means of its \"x\".",
    "The dialog needs to be closed using the \"x\" in its corner.",
    "Please get rid of the dialog box by pressing the \"x\".",
    "With a click on the \"x\", shut the dialog.";
    "Let the \"x\" close the box.";
    "Get rid of the box by its \"x\".";
    "click Close"
)];
const DIALOG: &[Asking] = &[asking!(
    "Click the button in the dialog box labeled \"{button}\".";
    "Press \"{button}\" in the dialog.",
    "Answer the dialog with \"{button}\".",
    "In the dialog box, click the button \"{button}\".",
    "Could you choose \"{button}\" in the dialog that has popped up?",
    "I want the dialog's \"{button}\" button to be clicked.",
    "The dialog box has to be answered by its button labeled \"{button}\".",
    "Please react to the dialog by hitting the \"{button}\" button in it.",
    "Of the buttons inside the dialog, the one to press is \"{button}\".";
    "Let the dialog have \"{button}\" as its answer.";
    "The dialog should be left by \"{button}\".";
    "click {button}"
)];
const WIDGET: &[Asking] = &[asking!(
    "Click on a \"{widget}\" widget.";
    "Click a widget of kind \"{widget}\".",
    "Find some \"{widget}\" and click it.",
    "Give any widget of the type \"{widget}\" a click.",
    "Could you locate a \"{widget}\" widget on the page and click on it?",
    "I want a click on one of the \"{widget}\" widgets.",
    "Some widget of the sort \"{widget}\" needs to be clicked.",
    "Please pick out a widget that is a \"{widget}\" and click it.",
    "Where is there a \"{widget}\" widget? Click on it, please.";
    "Of the widgets, click one that is a \"{widget}\".";
    "Touch anything that is a \"{widget}\".";
    "click {widget}"
)];
const COPY: &[Asking] = &[asking!(
    "Copy the text in the textarea below, paste it into the textbox and press Submit.";
    "Copy the text of the text area into the text box and submit it.",
    "Put the text of the area into the field and send it.",
    "Transfer the contents of the textarea to the textbox and hit Submit.",
    "Could you copy what is in the text area, paste it in the text box and submit?",
    "I want the textbox to contain the same text as the textarea and then be submitted.",
    "The text in the textarea needs to be copied over to the text field and handed in.",
    "Please paste into the textbox what the text area below says, and click Submit.",
    "Into the input box goes a copy of the textarea's text, then press the Submit button.";
    "Send the field with the same text as the area.";
    "The field should say what the area says when it is sent.";
    "read text area", "click text field", "click Submit"
)];
const COPY_NTH: &[Asking] = &[asking!(
    "Copy the text from the {ordinal} text area below and paste it into the text input, then press Submit.";
    "Copy the text of the {ordinal} text area into the text box and submit it.",
    "Put the text of the {ordinal} area into the field and send it.",
    "Transfer the contents of the {ordinal} textarea to the text input and hit Submit.",
    "Could you copy what is in the {ordinal} text area, paste it in the text box and submit?",
    "I want the text field to contain the same text as the {ordinal} textarea and then be submitted.",
    "The text in the {ordinal} of the text areas needs to be copied over to the input and handed in.",
    "Please paste into the text input what the {ordinal} text area says, and click Submit.",
    "Of the text areas, take the {ordinal} one, copy its text to the input field and press the Submit button.";
    "Send the field with the same text as the {ordinal} area.";
    "The field should say what the {ordinal} area says when it is sent.";
    "read text area", "click text field", "click Submit"
)];
const MAIL_TRASH: &[Asking] = &[asking!(
    "Find the email by {name} and click the trash icon to delete it.";
    "Delete the email by {name}.",
    "Throw the mail of {name} away.",
    "Remove the email that {name} sent.",
    "Could you delete the message from {name} in the inbox?",
    "I want the email from {name} to end up in the trash.",
    "The email that came from {name} needs to be deleted.",
    "Please put the mail by {name} in the trash with its trash icon.",
    "Look for the message by {name} and bin it.";
    "Let the mail that came from {name} be gone.";
    "What {name} wrote should not be there any more.";
    "click {name} trash"
)];
const MAIL_STAR: &[Asking] = &[asking!(
    "Find the email by {name} and click the star icon to mark it as important.";
    "Mark the email by {name} as important.",
    "Give the mail of {name} a star.",
    "Star the email that {name} sent.",
    "Could you flag the message from {name} as important with the star?",
    "I want the email from {name} to be marked important.",
    "Please click the star icon at the mail by {name} to show that it is important.",
    "Look for the message by {name} and star it.";
    "Let the mail that came from {name} have a star.";
    "What {name} wrote is important.";
    "click {name} star"
)];
const MAIL_REPLY: &[Asking] = &[asking!(
    "Find the email by {name} and reply to them with the text \"{sentence}\".";
    "Reply to the email by {name} with \"{sentence}\".",
    "Answer the mail of {name}: \"{sentence}\".",
    "Write back to {name} with the words \"{sentence}\".",
    "Could you answer the email from {name} by writing \"{sentence}\" to them?",
    "I want \"{sentence}\" to be sent as the reply to the email that {name} wrote.",
    "The message by {name} needs to be answered with the text \"{sentence}\".",
    "With the text \"{sentence}\", reply to the mail that came from {name}.",
    "Please open the email by {name}, click reply, type \"{sentence}\" and send it.";
    "Let \"{sentence}\" be the answer to the mail that came from {name}.";
    "Tell {name} in an answer \"{sentence}\".";
    "click {name}", "click Reply", "type {sentence} in text area", "click send reply"
)];
const MAIL_FORWARD: &[Asking] = &[asking!(
    "Find the email by {name} and forward that email to {name2}.";
    "Forward the email by {name} to {name2}.",
    "Send the mail of {name} on to {name2}.",
    "Pass the email from {name} on to {name2}.",
    "Could you forward to {name2} the message that {name} sent?",
    "To {name2}, please forward the email written by {name}.",
    "The mail by {name} needs forwarding, and the recipient is {name2}.",
    "Please open the message from {name}, click forward, enter {name2} as the addressee and send it.";
    "Let the mail that came from {name} go on to {name2}.";
    "Let {name2} have what {name} wrote.";
    "click {name}", "click Forward", "type {name2} in to", "click send forward"
)];
const DATE: &[Asking] = &[asking!(
    "Enter {date} as the date and hit submit.";
    "Type the date {date} and submit it.",
    "Fill in the date {date} and send it.",
    "Write {date} into the date field and hit the submit button.",
    "Could you enter the date {date} in the field and then submit?",
    "I want the date field to read {date} when the form is handed in.",
    "The date {date} needs to be typed in and submitted.",
    "As the date put in {date} and press Submit.",
    "Please set the date field to {date} and click the submit button.";
    "Send the form with the date {date}.";
    "The date should be {date} when it is sent.";
    "type {date} in date field", "click Submit"
)];
const TIME: &[Asking] = &[asking!(
    "Enter {time} as the time and press submit.";
    "Type the time {time} and submit it.",
    "Fill in the time {time} and send it.",
    "Write {time} into the time field and hit the submit button.",
    "Could you enter the time {time} in the field and then submit?",
    "I want the time field to read {time} when the form is handed in.",
    "The time {time} needs to be typed in and submitted.",
    "As the time put in {time} and click Submit.",
    "Please set the clock time to {time} and press the submit button.";
    "Send the form with the time {time}.";
    "The time should be {time} when it is sent.";
    "type {time} in time field", "click Submit"
)];
const CALENDAR: &[Asking] = &[asking!(
    "Select {date} as the date and hit submit.";
    "Choose {date} in the calendar and submit it.",
    "Pick the day {date} and send it.",
    "Open the calendar, click the day {date} and press Submit.",
    "Could you go to {date} in the date picker, select it and submit?",
    "I want {date} selected in the calendar and then handed in.",
    "In the calendar, the date {date} needs to be picked before you click submit.",
    "Please use the date picker to choose {date} and hit the submit button.",
    "Browse the calendar back to {date} and select that day, then send it.";
    "Send the calendar with the day {date}.";
    "The calendar should say {date} when it is sent.";
    "click Date", "click Prev", "click {date:day}", "click Submit"
)];
const CARDS: &[Asking] = &[asking!(
    "Find and pick the card with the greatest number, then press submit.";
    "Pick the card with the greatest number and submit.",
    "Choose the highest card and send it.",
    "Select the card whose number is the largest and hit the submit button.",
    "Could you choose the card showing the biggest number and then submit?",
    "I want the card with the highest number to be picked and handed in.",
    "Of all the cards, the one with the maximum number needs to be selected and submitted.",
    "Which card has the greatest number? Click on it and press submit.",
    "Please compare the cards, take the one with the highest value, and click Submit.";
    "Let the card of the greatest number be sent.";
    "No card but the biggest is to be sent.";
    "click the greatest number", "click Submit"
)];
const NTH_WORD: &[Asking] = &[asking!(
    "Find the {ordinal} word in the paragraph, type that into the textbox and press \"Submit\".";
    "Type the {ordinal} word of the paragraph and submit it.",
    "Fill in the {ordinal} word of the text and send it.",
    "Enter the paragraph's {ordinal} word in the textbox and hit Submit.",
    "Could you write the {ordinal} word of the paragraph into the text box and submit?",
    "I want the {ordinal} word from the paragraph to be entered in the field and handed in.",
    "Count the words of the paragraph, put the {ordinal} one in the textbox and click \"Submit\".",
    "Which is the {ordinal} word in the paragraph? Type it into the field and press the submit button.",
    "From the paragraph the {ordinal} word needs to be looked up, typed in and submitted.";
    "Send the field with the {ordinal} word of the text in it.";
    "The field should hold the {ordinal} word of the text when it is sent.";
    "type the word in text field", "click Submit"
)];
const RADIO_NUMBER: &[Asking] = &[asking!(
    "Check the {ordinal} radio button and enter the number \"{number}\" into the {ordinal2} textbox.";
    "Choose the {ordinal} radio button and type \"{number}\" in the {ordinal2} text box.",
    "Pick radio button {ordinal} and fill \"{number}\" into field {ordinal2}.",
    "Could you click the {ordinal} radio button and write \"{number}\" in the {ordinal2} of the text fields?",
    "I want the {ordinal} radio button checked and the {ordinal2} textbox filled with \"{number}\" and then everything submitted.",
    "The number \"{number}\" goes into the {ordinal2} textbox, and the {ordinal} radio button needs to be selected.",
    "In the {ordinal2} text field enter \"{number}\", also mark the {ordinal} radio button, then hit Submit.",
    "Please turn on the {ordinal} of the radio buttons, type the number \"{number}\" into the {ordinal2} input box and send the form.";
    "Send the {ordinal} radio button, and \"{number}\" in the {ordinal2} text box.";
    "Field {ordinal2} takes \"{number}\", and of the radio buttons the {ordinal} is on.";
    "click radio button {ordinal:digits}", "type {number} in text field {ordinal2:digits}", "click Submit"
)];
const GUESS: &[Asking] = &[asking!(
    "Guess the number between 0-9 and press Submit. Use the feedback below to find the right number.";
    "Guess the number from 0 to 9 until it is right.",
    "Find the hidden number from 0 to 9 by guessing.",
    "Try numbers between 0 and 9, submitting each, until the feedback says that you have the right one.",
    "Could you guess which number from 0 to 9 is meant, pressing Submit and using the hints?",
    "I want you to find out the secret number between 0 and 9 by submitting guesses.",
    "A number from 0 to 9 needs to be guessed and submitted, the feedback below tells if it is higher or lower.",
    "Which number between 0 and 9 is it? Submit guesses and follow the feedback until one is correct.",
    "Please keep guessing a number in the range 0-9 and submit it, with the help of the feedback, until you hit it.";
    "One digit is right: try digits until it is found.";
    "Which digit is it? Try until the page is content.";
    "type 4 in number field", "click Submit", "type 7 in number field", "click Submit"
)];
const TREE: &[Asking] = &[asking!(
    "Navigate through the file tree. Find and click on the folder or file named \"{name}\".";
    "Find \"{name}\" in the file tree and click it.",
    "Look through the folders for \"{name}\" and choose it.",
    "Open the file tree's folders until \"{name}\" turns up, then click on it.",
    "Could you locate the file or folder \"{name}\" in the tree and click it?",
    "I want the folder or file called \"{name}\" to be found in the file tree and clicked.",
    "Somewhere in the file tree is \"{name}\", which needs to be clicked.",
    "Where in the file tree is \"{name}\"? Go there and click on it.",
    "Please browse the tree of folders and files and select the entry named \"{name}\".";
    "Some folder hides \"{name}\", which is to be chosen.";
    "Somewhere in the tree is \"{name}\": click it.";
    "click a folder", "click {name}"
)];
const ODD_EVEN: &[Asking] = &[asking!(
    "Mark the numbers below as odd or even and press submit when done.";
    "Mark each number as odd or even and submit.",
    "Say of each number whether it is odd or even and send it.",
    "Sort the numbers into odd and even by marking each one, then hit submit.",
    "Could you label every number below as either odd or even and then submit?",
    "I want each of the numbers marked odd or even and the result handed in.",
    "All the numbers need to be classified as even or odd before you click Submit.",
    "Which of these numbers are odd and which are even? Mark them so and press submit.",
    "For every number choose odd or even, and when all are done, submit.";
    "Send each number with its mark, odd or even.";
    "Odd or even? Answer for every number, then submit.";
    "click 7 Odd", "click 4 Even", "click Submit"
)];
const PHONE_BOOK: &[Asking] = &[asking!(
    "Find {name} in the contact book and click on their {contact}.";
    "Click the {contact} of {name} in the contact book.",
    "Look up {name} and choose the {contact}.",
    "Go to the entry for {name} in the contact book and click the {contact} there.",
    "Could you look for {name} in the contacts and click on the {contact} shown?",
    "I want the {contact} that belongs to {name} in the contact book to be clicked.",
    "In the contact book, the {contact} listed for {name} needs to be clicked.",
    "Please page through the contact book to {name} and hit the {contact} given there.",
    "Search the contacts for the person {name} and select their {contact}.";
    "Open the {contact} that {name} has in the contact book.";
    "What is the {contact} of {name}? Click it.";
    "click >", "click the {contact}"
)];
const TABLE: &[Asking] = &[asking!(
    "Enter the value of {field} into the text field and press Submit.";
    "Type the value of {field} and submit it.",
    "Look {field} up in the table, fill it in and send it.",
    "Write the table's value for {field} in the text field and hit Submit.",
    "Could you look up {field} in the table, enter its value in the field and submit?",
    "I want the value that stands next to {field} to be entered and handed in.",
    "The value listed for {field} needs to be put in the text box and submitted.",
    "What does the table say for {field}? Type that into the text field and click Submit.",
    "Please read the value belonging to {field} off the table, fill it in and press the submit button.";
    "Send the field with the table's value of {field} in it.";
    "The field should hold what the table says of {field}.";
    "type the value in text field", "click Submit"
)];
const TABLE_FORM: &[Asking] = &[asking!(
    "Enter the value that corresponds with each label into the form and submit when done.";
    "Type the value of each label into the form and submit it.",
    "Fill the form in from the table and send it.",
    "Complete the form with the values that the table gives for its labels, then hit submit.",
    "Could you enter in each form field the value that belongs to its label and submit?",
    "I want all the fields of the form filled with the values matching their labels and the form handed in.",
    "Every field in the form needs to get the value listed for its label before you click Submit.",
    "For each label of the form, look up the corresponding value, enter it, and submit at the end.",
    "Please transfer the matching values from the table into the labeled form fields and press the submit button.";
    "Send the form with the table's values in it.";
    "The form should hold what the table says.";
    "type the value in Language", "type the value in Gender", "click Submit"
)];
const LAST_WORD: &[Asking] = &[asking!(
    "Find the last word in the text area, enter it into the text field and hit Submit.";
    "Type the last word of the text area and submit it.",
    "Fill in the last word of the area and send it.",
    "Write the final word of the text area into the text field and hit Submit.",
    "Could you find the word at the very end of the textarea, enter it in the field and submit?",
    "I want the last word that is in the text area to be put in the text field and handed in.",
    "The text area's last word needs to be entered in the text box and submitted.",
    "With which word does the text area end? Type it into the field and click Submit.",
    "Please scroll to the end of the textarea, read the last word, fill it into the field and press the Submit button.";
    "Send the field with the last word of the area in it.";
    "The field should hold the last word of the area when it is sent.";
    "type the last word in text field", "click Submit"
)];
const SCROLL_AREA: &[Asking] = &[asking!(
    "Scroll the textarea to the {end} of the text hit submit.";
    "Scroll the text area to the {end} and submit.",
    "Go to the {end} of the text area and send it.",
    "Move the textarea's scrollbar to the {end} and hit submit.",
    "Could you scroll to the {end} of the text in the textarea and then submit?",
    "I want the text area scrolled to the {end} and then handed in.",
    "The text area needs to be scrolled all the way to the {end} before you click Submit.",
    "To the very {end} is where the textarea should be scrolled, then press submit.",
    "Please bring the {end} of the textarea's text into view by scrolling and press the submit button.";
    "Send the text area when its {end} is shown.";
    "The area should show its {end} when it is sent.";
    "scroll text area by -64", "click Submit"
)];
const RESULT: &[Asking] = &[asking!(
    "Use the textbox to enter \"{name}\" and press \"Search\", then find and click the {ordinal} search result.";
    "Search for \"{name}\" and click the {ordinal} result.",
    "Look for \"{name}\" and open result {ordinal}.",
    "Enter \"{name}\" in the search box, hit Search and choose the {ordinal} of the results.",
    "Could you search for \"{name}\" and then click on the {ordinal} search result?",
    "After a search for \"{name}\" has been run, the {ordinal} result needs to be opened.",
    "Please type \"{name}\" into the textbox, press the Search button and click the link of the {ordinal} hit.",
    "Run a search on \"{name}\" and go to the {ordinal} item among the results.";
    "Let the {ordinal} result of a search for \"{name}\" be opened.";
    "Of what is found for \"{name}\", open the {ordinal}.";
    "type {name} in text field", "click Search", "click >", "click the result"
)];
const ARITHMETIC: &[Asking] = &[asking!(
    "Solve the math problem and type your answer into the textbox. Press submit when done.";
    "Solve the math problem and submit the answer.",
    "Work out the sum and send the result.",
    "Calculate the math problem, write the result in the textbox and hit submit.",
    "Could you do the calculation, enter the answer and then submit?",
    "I want the math problem solved and its answer typed in and handed in.",
    "The arithmetic problem needs to be worked out and the result submitted in the text box.",
    "What does the math problem come to? Type the answer in the textbox and press Submit.",
    "Please compute the answer to the math exercise, put it in the field and click the submit button.";
    "Send what the sum comes to.";
    "What does it come to? Send the number.";
    "type the answer in the field", "click Submit"
)];
const ALGEBRA: &[Asking] = &[asking!(
    "Solve for x and type your answer into the textbox. Press Submit when done.";
    "Solve for x and submit the answer.",
    "Find x and send it.",
    "Work out x, write its value in the textbox and hit Submit.",
    "Could you solve the equation for x, enter the answer and then submit?",
    "I want to know x, so solve the equation, type the value in and hand it in.",
    "The value of x needs to be determined from the equation and submitted.",
    "What is x in this equation? Type it in the textbox and press the submit button.",
    "Please calculate the unknown x, put it into the field and click Submit.";
    "Send the number that x stands for.";
    "What is x? Send the number.";
    "type the answer in x =", "click Submit"
)];
const AUTOCOMPLETE: &[Asking] = &[
    asking!(
        "Enter an item that starts with \"{start}\" and ends with \"{finish}\".";
        "Submit an item from \"{start}\" to \"{finish}\".",
        "Choose what begins with \"{start}\" and stops with \"{finish}\".",
        "Type an item whose beginning is \"{start}\" and whose ending is \"{finish}\", then submit.",
        "Could you enter an item beginning with \"{start}\" and ending in \"{finish}\" and submit it?",
        "I want an item that has \"{start}\" at its start and \"{finish}\" at its end to be entered and submitted.",
        "The item to be submitted must start with \"{start}\" and end with \"{finish}\".",
        "Please find a suggestion ending with \"{finish}\" and starting with \"{start}\", fill it in and send it.",
        "Which item begins with \"{start}\" and has \"{finish}\" as its last letters? Enter it and hit Submit.";
        "Send an item whose ends are \"{start}\" and \"{finish}\".";
        "It starts with \"{start}\", its end is \"{finish}\": enter it.";
        "type {start} in Tags", "click Submit"
    ),
    asking!(
        "Enter an item that starts with \"{start}\".";
        "Submit an item from \"{start}\" on.",
        "Choose what begins with \"{start}\".",
        "Type an item whose beginning is \"{start}\", then submit.",
        "Could you enter some item beginning with \"{start}\" and submit it?",
        "I want any item that has \"{start}\" at its start to be entered and submitted.",
        "The item to be submitted must start with \"{start}\".",
        "Please find a suggestion starting with \"{start}\", fill it in and send it.",
        "Which item begins with \"{start}\"? Enter one and hit Submit.";
        "Send an item that has \"{start}\" in front.";
        "Its first letters are \"{start}\": enter it.";
        "type {start} in Tags", "click Submit"
    ),
];
const SHOWN_TEXT: &[Asking] = &[asking!(
    "Type the text below into the text field and press Submit.";
    "Type the text that is shown and submit it.",
    "Fill in the letters you see and send them.",
    "Write what the text below says into the text field and hit Submit.",
    "Could you type in the text you see below and then submit?",
    "I want the displayed text to be entered in the text field and handed in.",
    "The text shown below needs to be typed into the box and submitted.",
    "What text is displayed there? Enter it in the field and press the Submit button.",
    "Please reproduce the text below in the text field and click Submit.";
    "Send the field with the text of the picture in it.";
    "The field should hold what the picture says.";
    "type the text in text field", "click Submit"
)];
const GENERATE: &[Asking] = &[
    asking!(
        "Generate an {parity} number, then press submit.";
        "Generate numbers until one is {parity} and submit it.",
        "Send a number that is {parity}.",
        "Keep clicking Generate till you get an {parity} number, then submit it.",
        "Could you generate an {parity} number and then submit?",
        "I want an {parity} number to be generated and handed in.",
        "The generated number needs to be {parity} before you click Submit.",
        "Please press the Generate button until the number that comes up is {parity}, and hit Submit.",
        "As soon as the generator gives an {parity} number, press the submit button.";
        "Let a number that is {parity} come up, and send it.";
        "No number but an {parity} one is to be sent.";
        "click Generate", "click Submit"
    ),
    asking!(
        "Generate a number {relation} than {number}, then press submit.";
        "Generate numbers until one is {relation} than {number} and submit it.",
        "Send a number that is {relation} than {number}.",
        "Keep clicking Generate till you get a number {relation} than {number}, then submit it.",
        "Could you generate a number that is {relation} than {number} and then submit?",
        "I want a number {relation} than {number} to be generated and handed in.",
        "The generated number needs to be {relation} than {number} before you click Submit.",
        "Please press the Generate button until what comes up is {relation} than {number}, and hit Submit.",
        "As soon as the generator gives a number {relation} than {number}, press the submit button.";
        "Let a number {relation} than {number} come up, and send it.";
        "No number but one {relation} than {number} is to be sent.";
        "click Generate", "click Submit"
    ),
];
const TICKET: &[Asking] = &[asking!(
    "Buy the ticket with the {bar}.";
    "Book the ticket with the {bar}.",
    "Get the ticket of the {bar}.",
    "Purchase the ticket that has the {bar}.",
    "Could you buy me the ticket with the {bar} of all?",
    "I want to buy whichever ticket shows the {bar}.",
    "The ticket to be bought is the one with the {bar}.",
    "Which ticket has the {bar}? Please buy that one.",
    "Compare the tickets and buy the one having the {bar}.";
    "Let the ticket with the {bar} be booked.";
    "Which ticket has the {bar}? Book it.";
    "click the ticket"
)];
const SPINNER: &[Asking] = &[asking!(
    "Select {number} with the spinner and hit Submit.";
    "Set the spinner to {number} and submit.",
    "Turn the spinner to {number} and send it.",
    "Bring the spinner to {number} and hit the submit button.",
    "Could you choose {number} in the spinner and then submit?",
    "I want the spinner to show {number} when it is handed in.",
    "The spinner's value needs to be {number} before you click Submit.",
    "With the up and down arrows of the spinner go to {number} and press Submit.",
    "Please enter {number} as the spinner value and submit it.";
    "Send the spinner at {number}.";
    "The spinner should stand at {number} when it is sent.";
    "type {number} in Select a value", "click Submit"
)];
const MOVIES: &[Asking] = &[asking!(
    "Search for {genre} movies directed by {lastname} from year {year}.";
    "Find {genre} movies by the director {lastname} of the year {year}.",
    "Look for movies: genre {genre}, director {lastname}, year {year}.",
    "Run a search for {genre} movies from {year} whose director is {lastname}.",
    "Could you look up the {genre} films that {lastname} directed in {year}?",
    "I want to find movies by director {lastname} in the genre {genre} from the year {year}.",
    "From the year {year}, search for movies of genre {genre} with {lastname} as the director.",
    "Movies directed by {lastname} need to be searched for, with the genre {genre} and the year {year}.",
    "Please fill in {genre} as genre, {lastname} as director and {year} as year, and submit the movie search.";
    "Which {genre} movies of {year} are by {lastname}? Search for them.";
    "In {year} {lastname} made {genre} movies: search for them.";
    "type {genre} in Genre text field", "type {lastname} in Director text field", "type {year} in Year text field", "click Submit"
)];
const HIGHLIGHT: &[Asking] = &[asking!(
    "Highlight the text in the paragraph below and click submit.";
    "Select the text of the paragraph and submit.",
    "Mark the whole paragraph and send it.",
    "Select everything in the paragraph with the mouse and hit the submit button.",
    "Could you highlight the paragraph's text and then submit?",
    "I want all of the text in the paragraph to be highlighted, and then Submit to be clicked.",
    "The paragraph below needs to be highlighted before you press submit.",
    "Please mark the text of the paragraph below from beginning to end and click Submit.",
    "With the whole paragraph highlighted, submit.";
    "Send it with its paragraph marked.";
    "The paragraph should be marked when it is sent.";
    "select the paragraph", "click Submit"
)];
const HIGHLIGHT_NTH: &[Asking] = &[asking!(
    "Highlight the text in the {ordinal} paragraph and click submit.";
    "Select the text of the {ordinal} paragraph and submit.",
    "Mark the whole {ordinal} paragraph and send it.",
    "Select everything in the {ordinal} paragraph with the mouse and hit the submit button.",
    "Could you highlight the text of the {ordinal} paragraph and then submit?",
    "I want all of the text in the {ordinal} paragraph to be highlighted, and then Submit to be clicked.",
    "Of the paragraphs, the {ordinal} one needs to be highlighted before you press submit.",
    "Please mark the text of the {ordinal} paragraph from beginning to end and click Submit.",
    "With the whole {ordinal} paragraph highlighted and no other, submit.";
    "Send it with the {ordinal} paragraph marked.";
    "The {ordinal} paragraph should be marked when it is sent.";
    "select the paragraph", "click Submit"
)];
const POST: &[Asking] = &[asking!(
    "For the user @{user}, click on the \"{post}\" button.";
    "Press \"{post}\" at the post of @{user}.",
    "Choose \"{post}\" for @{user}.",
    "Click on \"{post}\" below the post by @{user}.",
    "Could you hit the \"{post}\" button for the user @{user}?",
    "I want the \"{post}\" button on the post from @{user} to be clicked.",
    "The post that @{user} wrote needs a click on its \"{post}\" button.",
    "Find the user @{user} and click the button \"{post}\" of that post.",
    "Please use the button \"{post}\" that belongs to @{user}.";
    "Let \"{post}\" be the answer to @{user}.";
    "What @{user} wrote gets a \"{post}\".";
    "click @{user} {post:lower}"
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
