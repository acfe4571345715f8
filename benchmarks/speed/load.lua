-- What wrk asks: one page, pages by turns, or pages that nobody asked for before; and one line of JSON of what came.
-- Arguments: Authorization, the path before the number of the page, how many pages (0: never the same twice), the first
-- number, and the rest of the path.

local requests = {}
local prefix, suffix, keys, number

function init(arguments)
  wrk.headers["Authorization"] = arguments[1]
  prefix, keys, number, suffix = arguments[2], tonumber(arguments[3]), tonumber(arguments[4]), arguments[5] or ""
  for page = 1, keys do
    requests[page] = wrk.format("GET", prefix .. page .. suffix)
  end
end

function request()
  number = number + 1
  if keys == 0 then
    return wrk.format("GET", prefix .. number .. suffix)
  end
  return requests[number % keys + 1]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    "\nmeasured {\"requests\": %d, \"seconds\": %f, \"failed\": %d, \"p50_ms\": %f, \"p99_ms\": %f, \"max_ms\": %f}\n",
    summary.requests, summary.duration / 1e6,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
