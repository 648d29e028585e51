//! Words for documentation and tokenizer, of the kinds that the pages draw theirs from. Not the pages' own lists: those
//! are longer, and words that stand here are not needed for a page to work.

/// First names.
pub const NAMES: &[&str] = &[
    "Ada", "Alice", "Amelie", "Annis", "Barbara", "Bernardine", "Briana", "Celine", "Chas", "Cierra", "Clara", "Cristin",
    "Dolores", "Donovan", "Emile", "Enola", "Frankie", "Georgia", "Hannah", "Helena", "Ingrid", "Jerald", "Jess", "Joye",
    "Kasie", "Keli", "Kenda", "Leonie", "Livia", "Lyda", "Macie", "Marcella", "Michel", "Myron", "Nathalie", "Nieves",
    "Olga", "Paula", "Rex", "Riley", "Rosa", "Sergio", "Stella", "Teodoro", "Thaddeus", "Tora", "Truman", "Tula", "Vanda",
    "Vina",
];

/// Words of filler text.
pub const LATIN: &[&str] = &[
    "a", "ac", "accumsan", "adipiscing", "aenean", "aliquam", "aliquet", "amet", "ante", "arcu", "at", "auctor", "augue",
    "bibendum", "blandit", "commodo", "condimentum", "congue", "consectetur", "consequat", "convallis", "cras", "cum",
    "cursus", "dapibus", "diam", "dictum", "dictumst", "dignissim", "dis", "dolor", "donec", "dui", "duis", "egestas",
    "eget", "eleifend", "elementum", "elit", "enim", "erat", "eros", "est", "et", "etiam", "eu", "euismod", "facilisi",
    "facilisis", "fames", "faucibus", "felis", "fermentum", "feugiat", "fringilla", "fusce", "gravida", "habitant",
    "habitasse", "hac", "hendrerit", "iaculis", "id", "imperdiet", "in", "integer", "interdum", "ipsum", "justo",
    "lacinia", "lacus", "laoreet", "lectus", "leo", "libero", "ligula", "lobortis", "lorem", "luctus", "maecenas",
    "magna", "malesuada", "massa", "mattis", "mauris", "metus", "mi", "molestie", "mollis", "morbi", "nam", "nec",
    "neque", "netus", "nibh", "nisi", "nisl", "non", "nulla", "nullam", "nunc", "odio", "orci", "ornare", "pellentesque",
    "pharetra", "phasellus", "placerat", "platea", "porta", "porttitor", "posuere", "praesent", "pretium", "proin",
    "pulvinar", "purus", "quam", "quis", "quisque", "rhoncus", "ridiculus", "risus", "rutrum", "sagittis", "sapien",
    "scelerisque", "sed", "sem", "semper", "senectus", "sit", "sociis", "sodales", "sollicitudin", "suscipit",
    "suspendisse", "tellus", "tempor", "tempus", "tincidunt", "tortor", "tristique", "turpis", "ullamcorper", "ultrices",
    "ultricies", "urna", "ut", "varius", "vel", "velit", "venenatis", "vestibulum", "vitae", "vivamus", "viverra",
    "volutpat", "vulputate",
];

/// Countries.
pub const COUNTRIES: &[&str] = &[
    "Albania", "Angola", "Austria", "Bahrain", "Belgium", "Bolivia", "Brazil", "Canada", "Chile", "Cuba", "Denmark",
    "Egypt", "Estonia", "Fiji", "Finland", "Georgia", "Ghana", "Greece", "Haiti", "Hungary", "India", "Italy", "Jamaica",
    "Japan", "Jordan", "Kenya", "Latvia", "Libya", "Malta", "Mauritania", "Mayotte", "Mexico", "Nepal", "Nigeria",
    "Norway", "Oman", "Panama", "Peru", "Poland", "Qatar", "Romania", "Samoa", "Senegal", "Somalia", "Spain", "Sweden",
    "Switzerland", "Taiwan", "Togo", "Tunisia", "Uganda", "Uruguay", "Vietnam", "Yemen", "Zambia",
];

/// Buttons of dialogs.
pub const BUTTONS: &[&str] =
    &["OK", "Ok", "ok", "Cancel", "cancel", "Yes", "yes", "No", "no", "Next", "next", "Previous", "previous", "Submit", "submit"];

/// Places in a row.
pub const ORDINALS: &[&str] = &["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th"];

/// Characters of passwords and the like.
pub const CHARACTERS: &[u8] = b"qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM1234567890";
