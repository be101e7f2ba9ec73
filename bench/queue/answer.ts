/** What the model says to every job: about twenty tokens. */
export const answer = 'The Loire ends in the Atlantic, at Saint-Nazaire, after a thousand kilometres and more through the middle of France.';
