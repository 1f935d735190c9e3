-- Health of a ConversationWebhook, as Argo CD asks for it. docs/gitops.md says what each answer means.
--
-- Argo CD runs this as Lua 5.1 without the library `string`. It gives the object as `obj`.

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end
local ready, stalled = conditions.Ready, conditions.Stalled
local needs_somebody = stalled ~= nil and stalled.status == "True"

local function answer(status, about, condition)
  local message = about
  if condition ~= nil then
    message = condition.reason .. ": " .. condition.message
    if about ~= nil then
      message = about .. "; " .. message
    end
  end
  return { status = status, message = message }
end

-- What the operator says of a deletion or an edit that does not get on.
local why_not_yet = nil
for _, condition in ipairs({ stalled or false, ready or false, conditions.Synced or false }) do
  local is_new = condition and condition.observedGeneration == obj.metadata.generation
  local is_well = condition and condition.type ~= "Stalled" and condition.status == "True"
  if why_not_yet == nil and is_new and not is_well then
    why_not_yet = condition
  end
end

if obj.metadata.deletionTimestamp ~= nil then
  return answer("Progressing", "the object is being deleted", why_not_yet)
end

-- A new object has -1 here. What the conditions say is about an earlier generation, or about nothing yet.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return answer("Progressing", "the operator has not finished with this generation of the object", why_not_yet)
end

-- Before Ready: a webhook that is as written may need somebody, too, for example because there are two of it.
if needs_somebody then
  return answer("Degraded", nil, stalled)
end

if obj.spec.mode == "Suspended" then
  return answer("Suspended", "mode is Suspended: Twilio is not called")
end

if ready ~= nil and ready.status == "True" then
  return answer("Healthy", nil, ready)
end

return answer("Progressing", nil, ready)
