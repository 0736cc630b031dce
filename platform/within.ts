/**
 * What `asked` comes to, or a rejection when it has not come to anything in `ms`. Nothing is stopped: what was asked goes on, and what it comes to
 * later is dropped.
 */
export async function within<T>(ms: number, asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${ms} ms`)), ms);
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
