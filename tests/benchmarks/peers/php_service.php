<?php
// The same operation with PHP's SoapServer under php-fpm. TICKETS is a PHP file that returns the array: opcache keeps it
// in shared memory, so that a request only looks one up.

const USER = [
    'userid' => '42', 'username' => 'jsmith', 'firstName' => 'John', 'lastName' => 'Smith',
    'fullname' => 'John Smith', 'email' => 'jsmith@example.com',
];
const GUID = '/^\s*[{(]?([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})[})]?\s*$/i';

function attributes(array $values): string
{
    $text = '';
    foreach ($values as $name => $value) {
        $text .= " $name=\"" . htmlspecialchars($value, ENT_QUOTES | ENT_XML1, 'UTF-8') . '"';
    }
    return $text;
}

class TicketService
{
    public function isValidTicket($parameters)
    {
        $tickets = require $_SERVER['TICKETS'];
        $found = preg_match(GUID, $parameters->AuthenticationTicket ?? '', $match);
        $expiresAt = $found ? $tickets['t' . strtolower(str_replace('-', '', $match[1]))] ?? 0 : 0;
        $root = $expiresAt > time()
            ? ['success' => 'true'] + USER + ['expireOn' => gmdate('Y-m-d\TH:i:s\Z', $expiresAt), 'isAuthenticated' => 'True']
            : ['success' => 'false', 'error' => '[901] Session expired or Invalid ticket'];
        return ['isValidTicketResult' => ['any' => '<root' . attributes($root) . ' xmlns="" />']];
    }
}

$server = new SoapServer($_SERVER['WSDL'], ['cache_wsdl' => WSDL_CACHE_MEMORY, 'soap_version' => SOAP_1_1]);
$server->setClass(TicketService::class);
$server->handle();
