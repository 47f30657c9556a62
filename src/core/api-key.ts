/** The shape of an API key: what can stand in a header and is long enough to be removed from texts safely. */

export const API_KEY = /^[\x21-\x7e]{8,512}$/u;
