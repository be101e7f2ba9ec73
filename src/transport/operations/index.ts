/**
 * Every endpoint that the transport knows, one line each. Sources import an operation's own file; this list is what
 * types are computed from (the names and events of `rxmistral/testing`).
 */
export { chatCompleteOperation } from './chatComplete.js';
export { chatStreamOperation } from './chatStream.js';
