/** The error of a failed assertion, under the name by which test runners know one. */
export function assertionError(message: string): Error {
  const error = new Error(message);
  error.name = 'AssertionError';
  return error;
}
