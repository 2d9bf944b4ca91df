-- wrk's script: the requests of a file round robin, and the result as one line of JSON.
-- The file: a line with the number of requests, then for each a line with its length and its bytes.
local requests, count, turn = {}, 0, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  count = file:read("*n", "*l")
  for index = 1, count do
    local length = file:read("*n")
    file:read(1)
    requests[index] = file:read(length)
    file:read(1)
  end
  file:close()
end

function request()
  turn = turn % count + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "max_ms": %.4f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
